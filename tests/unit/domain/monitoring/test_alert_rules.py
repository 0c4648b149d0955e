"""What counts as wrong: the rule of each kind of alert."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from typer.main import get_command

from finpulse_assets.cli.app import app
from finpulse_assets.domain.calendar import build_sessions
from finpulse_assets.domain.evaluation.promotion import Champion, Promotion
from finpulse_assets.domain.monitoring import alert_rules as rules
from finpulse_assets.domain.monitoring.alert_rules import CheckOutcome, RunOutcome
from finpulse_assets.domain.monitoring.alert_state import Kind, Severity
from finpulse_assets.schemas import FEATURE_DRIFT

NOON = datetime(2024, 3, 4, 12, tzinfo=UTC)
ALL = frozenset({"a", "b", "c", "d"})
MARCH, SPRING = ("2024-03-01", "2024-03-01"), ("2024-02-01", "2024-04-01")
DELAY = timedelta(minutes=15)


def run(
    hour: int, *, fails: bool = False, job: str = "whole_graph", assets=ALL, months=MARCH
) -> RunOutcome:
    reason = "the disk is full" if fails else None
    return RunOutcome(f"run-{hour:04}", job, assets, months, NOON + timedelta(hours=hour), reason)


@pytest.mark.parametrize(
    ("later", "is_open"),
    [
        ([], True),
        ([run(2)], False),
        ([run(0)], True),
        ([run(2, fails=True)], True),
        ([run(2, months=SPRING)], False),
        ([run(2, months=("2024-04-01", "2024-04-01"))], True),
        ([run(2, assets=frozenset("ab"))], True),
        ([run(2, job="other")], False),
        ([run(2, months=None)], False),
        ([run(2, assets=frozenset())], False),
        ([run(2, job="other", assets=frozenset())], True),
    ],
)
def test_a_failed_run_is_open_until_a_success_covers_its_assets_and_months(later, is_open):
    found = rules.failed_runs([*later, run(1, fails=True)])
    assert [a.subject for a in found] == ["whole_graph 2024-03 to 2024-03"] * is_open


def test_failures_of_the_same_work_are_one_alert_since_the_first():
    found = rules.failed_runs([run(3, fails=True), run(1, fails=True), run(2, assets=frozenset())])
    assert [(a.since.hour, a.what) for a in found] == [
        (15, "run run-0003 failed: the disk is full")
    ]
    found = rules.failed_runs([run(3, fails=True), run(1, fails=True)])
    assert [a.since.hour for a in found] == [13]
    assert found[0].severity is Severity.CRITICAL


def test_a_run_without_a_job_is_named_by_its_assets():
    assert run(1, job="__ASSET_JOB", months=None).subject == "a, b, c and 1 more"


def test_only_blocking_checks_that_fail_are_told():
    found = rules.failed_checks(
        [
            CheckOutcome("raw/prices", "bars", False, True, NOON, "7 bars are negative"),
            CheckOutcome("raw/prices", "rows", True, True, NOON),
            CheckOutcome("models/evaluation", "beats", False, False, NOON),
        ]
    )
    assert [(a.subject, a.since) for a in found] == [("raw/prices bars", NOON)]
    assert found[0].what.endswith("nothing after it is made: 7 bars are negative")


SESSIONS = build_sessions(date(2024, 2, 1), date(2024, 3, 8), decision_delay=DELAY)
FRIDAY_NIGHT = datetime(2024, 3, 1, 21, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("reached", "now", "severity"),
    [
        (date(2024, 3, 1), FRIDAY_NIGHT + timedelta(hours=5), None),
        (date(2024, 2, 29), FRIDAY_NIGHT + timedelta(hours=1), None),
        (date(2024, 2, 29), FRIDAY_NIGHT + timedelta(hours=2), Severity.WARNING),
        (date(2024, 3, 1), datetime(2024, 3, 4, 20, tzinfo=UTC), None),
        (date(2024, 2, 28), FRIDAY_NIGHT + timedelta(hours=2), Severity.WARNING),
        (date(2024, 2, 27), FRIDAY_NIGHT + timedelta(hours=2), Severity.CRITICAL),
        (None, FRIDAY_NIGHT + timedelta(hours=2), Severity.CRITICAL),
    ],
)
def test_a_table_is_stale_two_hours_after_a_decision_and_not_at_weekends(reached, now, severity):
    found = rules.stale_tables({"raw/prices": reached}, SESSIONS, now)
    assert [a.severity for a in found] == ([severity] if severity else [])


def test_a_stale_table_says_since_when_and_how_much_is_lacking():
    late = FRIDAY_NIGHT + timedelta(days=1)
    (found,) = rules.stale_tables({"raw/prices": date(2024, 2, 28)}, SESSIONS, late)
    assert found.what == "raw/prices reaches 2024-02-28 and lacks 2 sessions to 2024-03-01"
    assert found.since == datetime(2024, 2, 29, 21, 15, tzinfo=UTC)
    (found,) = rules.stale_tables({"raw/prices": None}, SESSIONS, late)
    assert (found.what, found.since) == ("raw/prices has no rows", FRIDAY_NIGHT)


@pytest.mark.parametrize(
    ("reached", "told"), [(None, 0), (date(2024, 2, 27), 0), (date(2024, 2, 26), 1)]
)
def test_texts_may_be_silent_for_three_sessions_or_for_ever(reached, told):
    late = FRIDAY_NIGHT + timedelta(days=1)
    found = rules.stale_tables({"raw/tweets": reached}, SESSIONS, late)
    assert [a.severity for a in found] == [Severity.WARNING] * told


def test_an_asset_that_is_told_as_stale_is_not_told_as_overdue():
    stale = rules.stale_tables({"raw/prices": None}, SESSIONS, NOON)
    failing = [("models/price_model", NOON - timedelta(days=2)), ("raw/prices", NOON)]
    found = rules.overdue_assets(failing, stale, NOON)
    assert [a.key for a in found] == ["asset_overdue:models/price_model"]
    assert found[0].what.endswith("overdue for 2 d")


def report(day: int, *, drifted: bool) -> pl.DataFrame:
    rows = [("f1", 0.5, drifted), ("f2", 0.9, drifted), ("f3", 0.1, False), ("all", 0.6, drifted)]
    frame = pl.DataFrame(rows, schema=["feature", "value", "is_drifted"], orient="row")
    return FEATURE_DRIFT.enforce(
        frame.with_columns(
            session_date=pl.date(2024, 3, day),
            kind=pl.lit("technical"),
            limit=pl.lit(0.3),
            ks=pl.lit(0.1),
            recent_rows=pl.lit(10),
            reference_rows=pl.lit(90),
            reference_from=pl.date(2023, 1, 3),
            reference_to=pl.date(2024, 2, 1),
            model_version=pl.lit("m1"),
        )
    )


@pytest.mark.parametrize(
    ("days", "since"),
    [
        ({}, None),
        ({4: False}, None),
        ({4: True}, 4),
        ({4: True, 5: True}, 4),
        ({4: True, 5: False}, None),
        ({4: True, 5: False, 6: True, 7: True}, 6),
    ],
)
def test_drift_holds_since_the_first_of_the_latest_drifted_reports(days, since):
    reports = [report(day, drifted=drifted) for day, drifted in days.items()]
    found = rules.drifting(pl.concat([FEATURE_DRIFT.empty(), *reports]))
    assert [a.since.day for a in found] == ([since] if since else [])
    if found:
        assert (
            found[0].what == f"2 of 3 features drifted on 2024-03-0{max(days)}, most of all f2, f1"
        )
        assert found[0].subject == "features"


@pytest.mark.parametrize(
    ("promoted", "kind", "severity", "what"),
    [
        (True, Kind.PROMOTION, Severity.INFO, "m2 (proven) is the champion: good; newer"),
        (False, Kind.PROMOTION_REFUSED, Severity.WARNING, "m2 was refused, m1 stays the champion"),
    ],
)
def test_a_decision_names_the_candidate_and_its_reasons(promoted, kind, severity, what):
    champion = Champion("m2" if promoted else "m1", True, 0.55, 0.04)
    found = rules.decision_of(
        Promotion("m2", promoted, True, ("good", "newer"), champion, NOON), NOON
    )
    assert (found.kind, found.severity, found.subject) == (kind, severity, "m2")
    assert found.what.startswith(what)


def test_the_commands_to_look_exist():
    from dagster._cli.run import run_cli

    assert rules.LOOK.split()[1] in get_command(app).commands
    _dagster, group, name, *options = rules.RUNS.split()
    assert (group, name) == (run_cli.name, "list")
    assert "--limit" in options
    assert any("--limit" in parameter.opts for parameter in run_cli.commands[name].params)
