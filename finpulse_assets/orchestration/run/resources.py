"""Resources: the gateways of a deployment, built from its settings.

Which gateway stands behind which resource name, and the clock of a run. Everything is made when a
run begins, never at import.
https://docs.dagster.io/guides/build/external-resources
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

import dagster as dg

from finpulse_assets.domain.calendar import NEW_YORK, build_sessions, last_completed_session
from finpulse_assets.errors import SettingError, SourceError
from finpulse_assets.gateways.alerts.apprise import AlertSender, AppriseSender
from finpulse_assets.gateways.clock import Now, system_now
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.models.model_store import ModelStore
from finpulse_assets.gateways.serving.bento_store import BentoStore
from finpulse_assets.gateways.sources.protocols import Extent
from finpulse_assets.gateways.sources.source import Sources
from finpulse_assets.gateways.warehouse.reader import Warehouse
from finpulse_assets.orchestration.dbt.in_process import dbt_of
from finpulse_assets.orchestration.run.clock import FIRST_DAY, LIVE_HISTORY, RunClock
from finpulse_assets.orchestration.run.clock_file import note_clock
from finpulse_assets.orchestration.run.home import claim_home
from finpulse_assets.orchestration.run.lake_io import lake_io_manager
from finpulse_assets.orchestration.run.sources import build_sources
from finpulse_assets.orchestration.run.step_failures import starting_in_one_sentence
from finpulse_assets.orchestration.run.tracking import tracking_resource
from finpulse_assets.settings import Settings

logger = logging.getLogger(__name__)


def build_resources(settings: Settings, *, now: Now = system_now) -> dict[str, object]:
    """Return the resources of the code location, by the name that assets ask for.

    Args:
        now: the clock of the platform.
    """
    lake = Lake(settings.lake)

    @starting_in_one_sentence()
    def sources(_: dg.InitResourceContext) -> Sources:
        return build_sources(settings, now=now)

    @starting_in_one_sentence()
    def clock(init: dg.InitResourceContext) -> RunClock:
        return begin_run(settings, init.resources.sources, now=now)

    return {
        "settings": settings,
        "now": now,
        "lake": lake,
        "warehouse": Warehouse(settings.warehouse),
        "models": ModelStore(settings.models / "price"),
        "bentos": BentoStore(settings.bentos),
        "sources": dg.ResourceDefinition(sources),
        "clock": dg.ResourceDefinition(clock, required_resource_keys={"sources"}),
        "io_manager": lake_io_manager(lake),
        "dbt": dbt_of(settings),
        "tracking": tracking_resource(settings),
        "alert_sender": alert_sender(settings),
    }


def alert_sender(settings: Settings) -> AlertSender:
    """Return what sends alerts to the destinations of the settings, which may be none."""
    return AppriseSender(
        settings.alert_urls.get_secret_value() if settings.alert_urls else "",
        source=f"finpulse {settings.profile.value}",
        runbooks=settings.runbook_url,
        ui=settings.ui_url,
    )


def begin_run(settings: Settings, sources: Sources, *, now: Now = system_now) -> RunClock:
    """Return the clock of a run, having claimed the home and noted how far the sources reach.

    Raises:
        SettingError: see `resolve_clock` and `claim_home`.
        SourceError: none of the sources of prices answers.
    """
    clock = resolve_clock(settings, sources, now=now)
    claim_home(settings, clock)
    note_clock(settings, clock)
    return clock


def resolve_clock(settings: Settings, sources: Sources, *, now: Now = system_now) -> RunClock:
    """Return the as-of time and the first day of a run.

    The as-of time is the setting, or else the end of what the source has: the decision of the last
    session that is complete. Only a live source without an end runs as of now.
    """
    extents, end = _extents(sources)
    moment = now().replace(microsecond=0)
    if end and end.date() < FIRST_DAY:
        raise SettingError(
            f"the prices end on {end:%Y-%m-%d}, before {FIRST_DAY}, the first day that is loaded",
            hint="give prices that reach beyond that day",
        )
    until = _end_of(end, settings, moment) if end else None
    as_of = settings.as_of or until or moment
    if as_of > moment:
        raise SettingError(
            f"the as-of time {as_of:%Y-%m-%d %H:%M} UTC lies ahead of now, {moment:%Y-%m-%d %H:%M}",
            hint="FINPULSE_AS_OF is a UTC time in the past",
        )
    if as_of.date() < FIRST_DAY:
        raise SettingError(
            f"the as-of time {as_of:%Y-%m-%d %H:%M} UTC lies before {FIRST_DAY}, the first day "
            "that is loaded",
            hint="check FINPULSE_AS_OF",
        )
    if until and _end_of(as_of, settings, as_of) > until:
        raise SettingError(
            f"the as-of time {as_of:%Y-%m-%d %H:%M} UTC lies beyond the prices, which end with the "
            f"session decided at {until:%Y-%m-%d %H:%M}",
            hint="leave FINPULSE_AS_OF out for the end of the prices, or give prices that reach it",
        )
    begins = [extent.first.astimezone(NEW_YORK).date() for extent in extents.values()]
    first = settings.start_date or min(begins, default=(as_of - LIVE_HISTORY).date())
    if first > as_of.date():
        raise SettingError(
            f"the data begins on {first}, after the as-of time {as_of:%Y-%m-%d %H:%M} UTC",
            hint="check FINPULSE_AS_OF and FINPULSE_START_DATE",
        )
    if first < FIRST_DAY:
        logger.warning("the data begin on %s; rows before %s are not loaded", first, FIRST_DAY)
    return RunClock(as_of, max(first, FIRST_DAY), data_until=until, extents=extents)


def _extents(sources: Sources) -> tuple[dict[str, Extent], datetime | None]:
    """Return what the sources reach, and the end of the prices; a source that fails is left out.

    Raises:
        SourceError: none of the sources of prices answers.
    """
    found, ends, problems = {}, [], []
    for source in sources.members:
        try:
            texts = source.texts and source.texts.extent()
            prices = source.prices and source.prices.extent()
        except SourceError as error:
            problems.append(error)
            continue
        reached = {f"{source.name} texts": texts, f"{source.name} prices": prices}
        found |= {name: extent for name, extent in reached.items() if extent}
        ends += [prices and prices.last] if "prices" in source.kinds else []
    if problems and not ends:
        raise problems[0]
    # Prices that go on (None) make the run one as of now.
    return found, None if None in ends else max(ends, default=None)


def _end_of(prices_end: datetime, settings: Settings, now: datetime) -> datetime:
    """Return the decision time of the last session that the prices reach and that is decided."""
    delay = timedelta(minutes=settings.decision_delay_minutes)
    last_day = prices_end.date()
    sessions = build_sessions(last_day - timedelta(days=14), last_day, decision_delay=delay)
    return last_completed_session(sessions, min(prices_end + delay, now))["decision_at"]
