"""Automation: what starts a run without a person, as factories.

The automation conditions of the model chain, and the schedule after the close.
https://docs.dagster.io/guides/automate

Each of them requests a run at most once: the schedule for a session (run key), a condition for a
state of the inputs (since).
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import dagster as dg

from finpulse_assets.domain.calendar import NEW_YORK, build_sessions, last_completed_session
from finpulse_assets.gateways.clock import Now
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.models.model_store import ModelStore
from finpulse_assets.orchestration.ingest.start import months_to_run
from finpulse_assets.orchestration.run.clock_file import data_to_run
from finpulse_assets.orchestration.run.dagster_internals import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
)
from finpulse_assets.settings import Settings

# Closes of XNYS in New York: 16:00, and 13:00 on half-days.
CLOSES = (timedelta(hours=13), timedelta(hours=16))
SLACK = timedelta(minutes=15)  # from the decision to the run, for bars that are late
HOLIDAYS = timedelta(days=14)  # holds two sessions, whatever holidays lie between

Condition = dg.AutomationCondition


def span_tags(first: str, last: str) -> dict[str, str]:
    """Return the tags of one run for the partitions from `first` to `last`, both included."""
    return {ASSET_PARTITION_RANGE_START_TAG: first, ASSET_PARTITION_RANGE_END_TAG: last}


def months_of_session(session_date: date) -> dict[str, str]:
    """Return the tags of a run for the month of a session, and of the one before it.

    The first session of a month completes the month before: its texts went on after the last run.
    """
    before = build_sessions(session_date - HOLIDAYS, session_date)["session_date"][-2]
    return span_tags(f"{before:%Y-%m-01}", f"{session_date:%Y-%m-01}")


def retrain_when_stale(model: dg.AssetKey, *, own: bool) -> Condition:
    """Return the condition: the model is overdue, and an input is newer than this asset.

    It holds once for a state of the inputs: from the moment of the request it waits for a newer
    input, so a run that fails is not tried for ever.

    Args:
        model: the asset whose freshness policy decides.
        own: whether the condition is put on the model itself, or on an input of it that has to be
            made anew with it.
    """
    overdue = Condition.freshness_failed()
    if not own:
        overdue = Condition.asset_matches(model, overdue)
    handled = Condition.newly_requested() | Condition.newly_updated()
    inputs_are_newer = Condition.any_deps_updated().since(handled)
    is_busy = Condition.in_progress() | Condition.any_deps_in_progress()
    return (overdue & inputs_are_newer & ~is_busy).with_label("retrain_when_stale")


def in_the_same_run() -> Condition:
    """Return the condition: follows an input that is requested now, in the run that makes it."""
    return Condition.any_deps_match(Condition.will_be_requested()).with_label("in_the_same_run")


def after_update_of(*keys: dg.AssetKey) -> Condition:
    """Return the condition of an asset with months: its latest month follows an update of `keys`.

    Nothing happens where the run that updates one of `keys` makes this asset too. Before the first
    session of a month the last signals lie in the month that ended; the run after that session,
    which covers both months, makes them anew.
    """
    updated = Condition.any_deps_updated().allow(dg.AssetSelection.assets(*keys))
    handled = Condition.newly_requested() | Condition.newly_updated()
    is_busy = Condition.in_progress() | Condition.any_deps_in_progress()
    latest = Condition.in_latest_time_window()
    return (latest & updated.since(handled) & ~is_busy).with_label("after_update")


def crons_after_close(delay: timedelta) -> list[str]:
    """Return the New York crons that follow the decision of half-days and of full days.

    >>> crons_after_close(timedelta(minutes=15))
    ['30 13 * * 1-5', '30 16 * * 1-5']
    """
    minutes = [int((close + delay + SLACK).total_seconds()) // 60 for close in CLOSES]
    return [f"{minute % 60} {minute // 60} * * 1-5" for minute in minutes]


def session_to_run(at: datetime, delay: timedelta) -> date | str:
    """Return the session of the day of `at` once it is decided, else why nothing is to be run.

    Args:
        at: time of the tick, with a zone.
        delay: time from the close to the decision.
    """
    day = at.astimezone(NEW_YORK).date()
    sessions = build_sessions(day - HOLIDAYS, day, decision_delay=delay)
    if sessions["session_date"][-1] != day:
        return f"{day} is no session of XNYS"
    if last_completed_session(sessions, at.astimezone(UTC))["session_date"] != day:
        return f"the session {day} is decided at {sessions['decision_at'][-1]:%H:%M} UTC"
    return day


def after_close_schedule(
    job: dg.JobDefinition | dg.UnresolvedAssetJobDefinition,
    *,
    daily: dg.AssetSelection,
    delay: timedelta,
) -> dg.ScheduleDefinition:
    """Return the schedule that runs `job` once for every session, after its decision.

    It reads the resources `settings`, `models`, `lake` and `now`; of the data only the clock file
    and the coverage of the sources.

    Args:
        job: what is run, for the months from where coverage ends to the session's own.
        daily: the part of it that is run where there is a champion; a home without one is run
            whole, which makes one.
        delay: time from the close to the decision.
    """

    @dg.schedule(
        job=job,
        name="after_the_close",
        cron_schedule=crons_after_close(delay),
        execution_timezone=str(NEW_YORK),
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Once for every session of XNYS, after its decision; early on half-days. The "
        "daily part of the graph, or all of it where there is no champion yet.",
    )
    def after_the_close(
        context: dg.ScheduleEvaluationContext,
        settings: dg.ResourceParam[Settings],
        models: dg.ResourceParam[ModelStore],
        lake: dg.ResourceParam[Lake],
        now: dg.ResourceParam[Now],
    ) -> dg.RunRequest | dg.SkipReason:
        session = session_to_run(context.scheduled_execution_time, delay)
        if isinstance(session, str):
            return dg.SkipReason(session)
        decided = build_sessions(session, session, decision_delay=delay)["decision_at"][0]
        if (until := data_to_run(settings, now())) < decided:
            return dg.SkipReason(
                f"the sources or FINPULSE_AS_OF end on {until:%Y-%m-%d %H:%M} UTC, before the "
                f"session {session}; finpulse run and finpulse backfill still run what there is"
            )
        # A half-day's second tick carries the same key and starts nothing.
        chosen = None
        if models.promotion() is not None:
            chosen = sorted(daily.resolve(context.repository_def.asset_graph))
        months = months_to_run(settings, lake, now())
        tags = span_tags(months[0], months[-1])
        return dg.RunRequest(run_key=f"{session}", tags=tags, asset_selection=chosen)

    return after_the_close
