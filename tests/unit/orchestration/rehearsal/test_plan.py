"""Which sessions a rehearsal has, and which fault strikes on which of them."""

from datetime import date

import pytest

from finpulse_assets.errors import SettingError
from finpulse_assets.orchestration.rehearsal.plan import FAULTS, plan_rehearsal
from finpulse_assets.settings import load_settings

SMALL = load_settings(simulator_tickers=5, simulator_sessions=100)


def test_a_quarter_crosses_what_it_is_meant_to_cross():
    plan = plan_rehearsal(SMALL)
    assert (plan.eve, plan.days[0], plan.days[-1]) == (
        date(2025, 10, 22), date(2025, 10, 23), date(2026, 1, 27),
    )  # fmt: skip
    assert len({(day.year, day.month) for day in plan.days}) == 4, "three month edges"
    half_days = plan.sessions.filter("is_half_day")["session_date"]
    assert {date(2025, 11, 28), date(2025, 12, 24)} <= set(half_days) & set(plan.days)
    assert date(2026, 1, 19) not in plan.days, "a long weekend"
    assert plan.decision_at(date(2025, 10, 31)).hour == 20, "before the DST night"
    assert plan.decision_at(date(2025, 11, 3)).hour == 21, "after it"
    assert plan.faults.keys() == FAULTS.keys()


def test_the_short_form_has_the_faults_whose_end_it_sees():
    plan = plan_rehearsal(SMALL, sessions=12)
    assert list(plan.faults) == ["source down", "run killed", "late delivery"]
    assert plan.begins("run killed") == date(2025, 10, 31), "the last session of a month"
    assert plan.begins("split") is None
    assert plan.script.is_down("wire", date(2025, 10, 29))
    assert not plan.script.is_down("wire", date(2025, 10, 30))
    assert len({day.month for day in plan.days}) == 2


@pytest.mark.parametrize(
    ("tickers", "sessions", "said"),
    [
        (3, 12, "the market has 3 tickers, a rehearsal takes 4 to 9"),
        (10, 12, "the market has 10 tickers"),
        (5, 0, "0 sessions were asked for, a rehearsal has 1 to 250"),
    ],
)
def test_a_rehearsal_that_cannot_be_is_refused(tickers, sessions, said):
    with pytest.raises(SettingError, match=said):
        plan_rehearsal(load_settings(simulator_tickers=tickers), sessions=sessions)
