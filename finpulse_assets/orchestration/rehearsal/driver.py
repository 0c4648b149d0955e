"""The driver: makes a home, lets the simulated days pass, and keeps what happened."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import dagster as dg

from finpulse_assets.domain.calendar import NEW_YORK
from finpulse_assets.domain.simulator import labelled_texts
from finpulse_assets.gateways.sources.simulated.scripted_source import (
    EXCHANGE,
    WIRE,
    ScriptedMarket,
)
from finpulse_assets.orchestration.automation.schedule import crons_after_close, span_tags
from finpulse_assets.orchestration.dbt.in_process import dbt_of
from finpulse_assets.orchestration.rehearsal.kill import Kill
from finpulse_assets.orchestration.rehearsal.plan import RehearsalPlan
from finpulse_assets.orchestration.rehearsal.platform import (
    GivenClock,
    RehearsedPlatform,
    files_below,
)
from finpulse_assets.orchestration.rehearsal.record import SessionRecord
from finpulse_assets.orchestration.run.clock import RunClock
from finpulse_assets.orchestration.run.killed_runs import end_killed_runs
from finpulse_assets.settings import Profile, Settings

# The evening tick comes after the grace in which the day's run may end; so it sees what is missing.
EVENING = time(20)
ONE_DAY = timedelta(days=1)
KILLED_AT = (WIRE, "headlines")  # its tweets are kept by then, and their coverage

Load = Callable[[], dg.Definitions]


@dataclass(frozen=True)
class Rehearsal:
    """A rehearsal that has come to its end.

    Attributes:
        plan: what was rehearsed.
        settings: under which it ended.
        market: what its sources showed.
        records: what happened, by session.
    """

    plan: RehearsalPlan
    settings: Settings
    market: ScriptedMarket
    records: list[SessionRecord]


def own_settings(settings: Settings, home: Path) -> Settings:
    """Return the settings of a rehearsal: the user's own, on a market, home and registry apart.

    Args:
        settings: the user's; what concerns training, evaluation and publishing is kept.
        home: the folder of the rehearsal.
    """
    return settings.model_copy(
        update={
            "home": home.absolute(),
            "profile": Profile.DEMO,
            "sources": f"{EXCHANGE},{WIRE}",
            "as_of": None,
            "start_date": None,
            "simulator_minute_sessions": 0,
            "mlflow_tracking_uri": None,
            "alert_urls": None,
            "heartbeat_url": None,
        }
    )


def rehearse(
    plan: RehearsalPlan,
    load: Load,
    settings: Settings,
    *,
    on_session: Callable[[SessionRecord], None] = lambda _: None,
) -> Rehearsal:
    """Let the platform live through the sessions of a plan.

    Args:
        plan: sessions, market and faults.
        load: loads the definitions of the code location.
        settings: from `own_settings`.
        on_session: called after each session.
    """
    market = ScriptedMarket(plan.market, plan.script, plan.sessions)
    clock, dbt = GivenClock(plan.decision_at(plan.eve)), dbt_of(settings)
    records: list[SessionRecord] = []
    with own_instance(settings.home) as instance:
        platform = RehearsedPlatform(load, settings, instance, market.sources, clock, dbt)
        for day in (plan.eve, *plan.days):
            if day == plan.begins("sentiment model replaced"):
                platform.use(_with_another_model(platform.settings))
            dbt.with_tests = day == plan.days[-1]
            if day == plan.eve:
                record = _make_home(platform, plan)
            else:
                is_killed = day == plan.begins("run killed")
                kill = Kill(market, *KILLED_AT) if is_killed else None
                record = _live(platform, plan, day, kill)
            record.files = files_below(platform.settings.root)
            records.append(record)
            on_session(record)
        return Rehearsal(plan, platform.settings, market, records)


def _make_home(platform: RehearsedPlatform, plan: RehearsalPlan) -> SessionRecord:
    """Do what a user does first: `finpulse run`, over all that the sources have."""
    record = SessionRecord(plan.eve)
    first = platform.market_begins()
    with platform.moment(plan.decision_at(plan.eve) + timedelta(minutes=15)):
        months = RunClock(platform.clock(), first).months
        record.runs.append(
            platform.execute("finpulse run", "whole_graph", tags=span_tags(months[0], months[-1]))
        )
    with platform.moment(_at(plan.eve, EVENING)):
        _tick_sensors(platform, record)
    return record


def _live(
    platform: RehearsedPlatform, plan: RehearsalPlan, day: date, kill: Kill | None
) -> SessionRecord:
    """Let the days pass after the session before, and then the session itself."""
    record = SessionRecord(day)
    before = plan.sessions.filter(plan.sessions["session_date"] < day)["session_date"].max()
    quiet = before + ONE_DAY
    while quiet < day:  # a weekend, a holiday: nothing is due, and what is wrong goes on
        for at in _ticks(platform, quiet):
            with platform.moment(at):
                record.runs += platform.tick_schedules()
        with platform.moment(_at(quiet, EVENING)):
            _tick_sensors(platform, record)
        quiet += ONE_DAY
    for at in _ticks(platform, day):
        with platform.moment(at):
            record.runs += platform.tick_schedules(kill=kill)
    with platform.moment(_at(day, EVENING)):
        _tick_sensors(platform, record)
    return record


def _tick_sensors(platform: RehearsedPlatform, record: SessionRecord) -> None:
    end_killed_runs(platform.instance)  # as Dagster's run monitoring does within minutes
    seen = len(platform.sender.messages)
    record.runs += platform.tick_sensors()
    record.messages += platform.sender.messages[seen:]


def _ticks(platform: RehearsedPlatform, day: date) -> list[datetime]:
    """Return when the crons of the schedule tick on a day (UTC)."""
    if day.weekday() >= 5:
        return []
    delay = timedelta(minutes=platform.settings.decision_delay_minutes)
    fields = (cron.split()[:2] for cron in crons_after_close(delay))
    return [_at(day, time(int(hour), int(minute))) for minute, hour in fields]


def _at(day: date, hour: time) -> datetime:
    """Return an hour of New York as UTC; across the DST night the difference changes."""
    return datetime.combine(day, hour, tzinfo=NEW_YORK).astimezone(UTC)


def _with_another_model(settings: Settings) -> Settings:
    """Return the settings with another small classifier: trained on other sentences."""
    path = settings.home / "other_sentences.parquet"
    labelled_texts(settings.simulator_seed + 1).write_parquet(path)
    return settings.model_copy(update={"sentiment_model": "tiny", "labelled_texts_path": path})


@contextmanager
def own_instance(home: Path) -> Iterator[dg.DagsterInstance]:
    """Open a Dagster instance that lies in the home, on SQLite as a user's does."""
    folder = home / "dagster"
    folder.mkdir(parents=True, exist_ok=True)
    with dg.DagsterInstance.local_temp(str(folder)) as instance:
        yield instance
