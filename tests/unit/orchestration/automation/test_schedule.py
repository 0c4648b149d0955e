"""What starts by itself: the schedule, conditions, and the freshness checks."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from finpulse_assets.domain.calendar import build_sessions
from finpulse_assets.domain.monitoring.freshness import table_status, usual_gap
from finpulse_assets.errors import SettingError
from finpulse_assets.gateways.lake.lake import WHOLE, Lake
from finpulse_assets.orchestration.automation.freshness import (
    DATA_FRESHNESS,
    LONG_WEEKEND,
    MODEL_FRESHNESS,
    is_fresh,
)
from finpulse_assets.orchestration.automation.schedule import (
    after_close_schedule,
    after_update_of,
    crons_after_close,
    in_the_same_run,
    months_of_session,
    retrain_when_stale,
)
from finpulse_assets.orchestration.run.clock import RunClock
from finpulse_assets.orchestration.run.partitions import MONTHS
from finpulse_assets.schemas import COVERAGE, DAILY_SIGNALS, SESSIONS, TWEETS, source_table
from finpulse_assets.settings import load_settings

DELAY = timedelta(minutes=15)
DAYS = build_sessions(date(2024, 1, 2), date(2024, 12, 31))["session_date"].to_list()
SPAN = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")


@dg.asset(partitions_def=MONTHS, backfill_policy=dg.BackfillPolicy.single_run())
def anything() -> None: ...


@dg.asset(key_prefix="models", group_name="models")
def fitted() -> None: ...


job = dg.define_asset_job("job", dg.AssetSelection.all())
DAILY = dg.AssetSelection.all() - dg.AssetSelection.groups("models")
DEFS = dg.Definitions(assets=[anything, fitted], jobs=[job])


class Models:
    """A model store, of which the schedule asks whether there was a decision."""

    def __init__(self, *, has_champion: bool) -> None:
        self._decision = "a decision" if has_champion else None

    def promotion(self) -> str | None:
        return self._decision


def read_until(root: Path, last_at: datetime) -> Lake:
    """Return a lake whose sources were asked for all months up to a moment."""
    lake, ended = Lake(root / "lake"), RunClock(last_at, date(2023, 11, 1))
    for kind in ("tweets", "headlines", "prices", "corporate_actions"):
        table = source_table("simulator", kind)
        lake.append(table, table.empty(), ended.months)
        spans = [
            {"ticker": "A", "month": month, "first_at": first, "last_at": min(end, last_at)}
            for month, (first, end) in ended.windows(ended.months).items()
        ]
        lake.cover(table, pl.DataFrame(spans, schema=COVERAGE.polars_schema))
    return lake


def tick(
    at: str, *, has_champion: bool = True, lake: Lake | None = None, **settings: object
) -> object:
    """Return what the schedule says at a New York time, which the clock shows too."""
    schedule = after_close_schedule(job, daily=DAILY, delay=DELAY)
    when = pl.Series([at]).str.to_datetime(time_zone="America/New_York")[0]
    resources = {
        "settings": load_settings(**settings),
        "models": Models(has_champion=has_champion),
        "lake": lake or Lake(Path("absent")),
        "now": lambda: when.astimezone(UTC),
    }
    return schedule(
        dg.build_schedule_context(
            scheduled_execution_time=when,
            repository_def=DEFS.get_repository_def(),
            resources=resources,
        )
    )


@pytest.mark.parametrize(
    ("at", "key", "months"),
    [
        ("2024-03-12 16:30", "2024-03-12", ("2024-03-01", "2024-03-01")),
        ("2024-11-29 13:30", "2024-11-29", ("2024-11-01", "2024-11-01")),  # half-day
        ("2024-11-29 16:30", "2024-11-29", ("2024-11-01", "2024-11-01")),  # the same run key
        ("2024-04-01 16:30", "2024-04-01", ("2024-03-01", "2024-04-01")),  # completes March
        ("2024-01-02 16:30", "2024-01-02", ("2023-12-01", "2024-01-01")),
        ("2024-07-05 16:30", "2024-07-05", ("2024-07-01", "2024-07-01")),  # after a half-day, EDT
    ],
)
def test_a_session_is_run_once_after_its_decision(at, key, months, tmp_path):
    day = date.fromisoformat(key)
    before = build_sessions(day - timedelta(days=9), day - timedelta(days=1))["decision_at"][-1]
    request = tick(at, lake=read_until(tmp_path, before))
    assert request.run_key == key
    assert tuple(request.tags[name] for name in SPAN) == months


def test_a_failed_first_session_of_a_month_leaves_its_texts_to_the_next_run(tmp_path):
    """Defect: only the first session's run completed the month before; when it failed, none did."""
    lake = read_until(tmp_path, datetime(2024, 3, 28, 20, 30, tzinfo=UTC))  # April 1 failed
    request = tick("2024-04-02 16:30", lake=lake)
    assert tuple(request.tags[name] for name in SPAN) == ("2024-03-01", "2024-04-01")


@pytest.mark.parametrize(
    ("at", "reason"),
    [
        ("2024-03-16 16:30", "2024-03-16 is no session of XNYS"),  # Saturday
        ("2024-03-29 16:30", "2024-03-29 is no session of XNYS"),  # Good Friday
        ("2024-03-12 13:30", "the session 2024-03-12 is decided at 20:15 UTC"),
        ("2024-12-10 13:30", "the session 2024-12-10 is decided at 21:15 UTC"),
    ],
)
def test_other_ticks_say_why_they_skip(at, reason):
    assert tick(at).skip_message == reason


def test_a_session_that_the_sources_do_not_reach_is_skipped():
    answer = tick("2024-03-12 16:30", as_of="2015-09-30T20:15")
    assert answer.skip_message.startswith("the sources or FINPULSE_AS_OF end on 2015-09-30 20:15")


def test_the_daily_run_fits_no_model_once_there_is_a_champion():
    """Defect: the daily run refitted, so a retraining on drift found nothing left to do."""
    assert tick("2024-03-12 16:30").asset_selection == [anything.key]
    assert tick("2024-03-12 16:30", has_champion=False).asset_selection is None, "all of the job"


def test_every_session_of_a_year_has_one_tick_that_runs_it():
    year = [f"{day} {time}" for day in DAYS[:130] for time in ("13:30", "16:30")]
    answers = [tick(at) for at in year]
    keys = [answer.run_key for answer in answers if isinstance(answer, dg.RunRequest)]
    assert list(dict.fromkeys(keys)) == [f"{day}" for day in DAYS[:130]]


def test_crons_follow_the_decision():
    assert crons_after_close(timedelta(hours=6)) == ["15 19 * * 1-5", "15 22 * * 1-5"]
    assert months_of_session(date(2024, 9, 3))[SPAN[0]] == "2024-08-01", "after Labor Day"


MODEL = dg.AssetKey("model")


@dg.asset
def inputs() -> None: ...


@dg.asset(
    deps=[inputs],
    freshness_policy=MODEL_FRESHNESS,
    automation_condition=retrain_when_stale(MODEL, own=True),
)
def model() -> None: ...


@dg.asset(deps=[model, inputs], automation_condition=in_the_same_run())
def promoted() -> None: ...


@dg.asset(
    deps=[promoted], partitions_def=MONTHS, automation_condition=after_update_of(promoted.key)
)
def spoken() -> None: ...


def test_a_fresh_model_is_left_alone_and_signals_follow_a_promotion_made_by_hand():
    chain = [inputs, model, promoted, spoken]
    definitions, instance = dg.Definitions(chain), dg.DagsterInstance.ephemeral()

    def look(cursor=None):
        return dg.evaluate_automation_conditions(definitions, instance, cursor=cursor)

    before = look()
    dg.materialize([inputs], instance=instance)
    newer = look(before.cursor)
    assert newer.total_requested == 0, "newer inputs alone retrain nothing"
    dg.materialize([promoted], instance=instance)
    after = look(newer.cursor)
    assert after.get_num_requested(spoken.key) == 1, "this month"
    assert after.total_requested == 1
    assert look(after.cursor).total_requested == 0


def test_the_windows_outlast_every_pause_of_the_market():
    closes = build_sessions(date(2005, 1, 3), date(2025, 12, 31)).sort("close_at")["close_at"]
    pauses = closes.diff().drop_nulls()
    long = LONG_WEEKEND + timedelta(hours=3)  # from the close of a half-day
    assert pauses.filter(pauses > long).len() == 2, "days of mourning in 2007, a hurricane in 2012"
    windows = (DATA_FRESHNESS.warn_window, DATA_FRESHNESS.fail_window, MODEL_FRESHNESS.warn_window)
    warn, fail, model_warn = (window.to_timedelta() for window in windows)
    assert long < warn < fail < model_warn


CALENDAR = build_sessions(date(2024, 3, 1), date(2024, 4, 5))


def signals_until(day: date) -> pl.DataFrame:
    at = datetime(2024, 3, 1, tzinfo=UTC)
    return DAILY_SIGNALS.enforce(
        pl.DataFrame(
            {
                "ticker": ["A"], "session_date": [day], "predicted_at": [at], "decision_at": [at],
                "target_session_date": [day], "origin": ["live"], "probability_up": [0.5],
                "probability_lower": [None], "probability_upper": [None], "expected_return": [0.0],
                "rank": [1], "reasons": [""], "is_proven": [False], "skills": [""],
                "return_lower": [None], "return_upper": [None], "abstain_reason": [None],
                "return_p10": [None], "return_p50": [None], "return_p90": [None],
                "expected_sentiment": [None],
                "model_version": ["x"],
            }
        )
    )  # fmt: skip


@pytest.mark.parametrize(
    ("reached", "as_of", "allowed", "passes", "sentence"),
    [
        (28, "2024-04-01 12:00", 0, True, "is fresh"),  # over Good Friday and the weekend
        (28, "2024-04-01 20:20", 0, False, "is stale, 1 session behind 2024-04-01"),
        (28, "2024-04-01 20:20", 1, True, "is stale, 1 session behind 2024-04-01"),
        (21, "2024-03-30 12:00", 1, False, "is stale, 5 sessions behind 2024-03-28"),
    ],
)
def test_freshness_is_counted_in_sessions(tmp_path, reached, as_of, allowed, passes, sentence):
    lake = Lake(tmp_path)
    lake.replace(SESSIONS, CALENDAR, [WHOLE])
    lake.replace(DAILY_SIGNALS, signals_until(date(2024, 3, reached)), ["2024-03-01"])
    clock = RunClock(datetime.fromisoformat(as_of).replace(tzinfo=UTC), date(2024, 3, 1))
    result = is_fresh(DAILY_SIGNALS, allowed=allowed)(lake, clock)
    assert result.passed == passes
    assert result.severity == dg.AssetCheckSeverity.WARN
    assert result.description == f"{DAILY_SIGNALS.name} {sentence}"


def test_a_table_without_files_is_missing_and_one_without_rows_empty():
    last = date(2024, 3, 28)
    assert table_status(TWEETS, None, CALENDAR, last).state == "missing"
    status = table_status(TWEETS, TWEETS.empty().lazy(), CALENDAR, last)
    assert (status.state, status.sessions_behind) == ("empty", None)


def test_the_usual_gap_of_texts_is_that_of_nineteen_in_twenty():
    sessions = build_sessions(date(2024, 1, 2), date(2024, 12, 31))
    rows = pl.DataFrame({"session_date": [*DAYS[:41], DAYS[44], DAYS[54]]})
    assert usual_gap(rows.lazy(), sessions) == 1
    assert usual_gap(rows.head(41).gather_every(3).lazy(), sessions) == 3


CLOCK = RunClock(datetime(2024, 5, 10, 21, tzinfo=UTC), date(2024, 1, 10))


def test_a_backfill_takes_the_months_of_its_days():
    assert CLOCK.months_from(date(2024, 3, 15), date(2024, 4, 2)) == ["2024-03-01", "2024-04-01"]
    assert CLOCK.months_from(date(2024, 1, 10), date(2024, 1, 10)) == ["2024-01-01"]


@pytest.mark.parametrize(
    ("first", "last", "sentence"),
    [
        (date(2024, 4, 2), date(2024, 4, 1), "the days 2024-04-02 to 2024-04-01 are backwards"),
        (date(2024, 1, 2), date(2024, 4, 1), "reach outside the data, which lie from 2024-01-10"),
        (date(2024, 4, 2), date(2024, 5, 11), "to 2024-05-10. Hint: check --from and --to"),
        (date(2020, 1, 2), date(2020, 1, 3), "the days 2020-01-02 to 2020-01-03 reach outside"),
    ],
)
def test_a_backfill_of_days_without_data_is_refused(first, last, sentence):
    with pytest.raises(SettingError, match=sentence):
        CLOCK.months_from(first, last)
