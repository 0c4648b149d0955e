"""Resources: the gateways of a deployment, built from its settings.

Which gateway stands behind which resource name, and the clock of a run. Everything is made when a
run begins, never at import.
https://docs.dagster.io/guides/build/external-resources
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import dagster as dg

from finpulse_assets.domain.calendar import NEW_YORK, build_sessions, last_completed_session
from finpulse_assets.domain.simulator import MarketPlan
from finpulse_assets.errors import SettingError
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.models.model_store import ModelStore
from finpulse_assets.gateways.serving.bento_store import BentoStore
from finpulse_assets.gateways.sources.minute_source import MinuteSource
from finpulse_assets.gateways.sources.protocols import Extent, PriceSource, TextSource
from finpulse_assets.gateways.warehouse.reader import Warehouse
from finpulse_assets.orchestration.dbt.project import dbt_resource
from finpulse_assets.orchestration.run.clock import FIRST_MONTH, RunClock
from finpulse_assets.orchestration.run.home import claim_home, with_remembered_files
from finpulse_assets.orchestration.run.lake_io import lake_io_manager
from finpulse_assets.orchestration.run.tracking import tracking_resource
from finpulse_assets.settings import Profile, Settings

FIRST_DAY = datetime.fromisoformat(FIRST_MONTH).date()
LIVE_HISTORY = timedelta(days=730)


@dataclass(frozen=True)
class Sources:
    """The text source and the price source of a profile, and its minute bars where it has any."""

    texts: TextSource
    prices: PriceSource
    minutes: MinuteSource | None = None


def build_resources(settings: Settings) -> dict[str, object]:
    """Return the resources of the code location, by the name that assets ask for."""
    lake = Lake(settings.lake)
    return {
        "settings": settings,
        "lake": lake,
        "warehouse": Warehouse(settings.warehouse),
        "models": ModelStore(settings.models / "price"),
        "bentos": BentoStore(settings.bentos),
        "sources": dg.ResourceDefinition(lambda _: build_sources(settings)),
        "clock": dg.ResourceDefinition(
            lambda init: _claimed_clock(settings, init.resources.sources),
            required_resource_keys={"sources"},
        ),
        "io_manager": lake_io_manager(lake),
        "dbt": dbt_resource(settings),
        "tracking": tracking_resource(settings),
    }


def _claimed_clock(settings: Settings, sources: Sources) -> RunClock:
    clock = resolve_clock(settings, sources)
    claim_home(settings, clock)
    return clock


def build_sources(settings: Settings) -> Sources:
    """Return the sources of the profile.

    Raises:
        SettingError: the profile needs a setting that is not set.
    """
    makers: dict[Profile, Callable[[Settings], Sources]] = {
        Profile.DEMO: _demo_sources,
        Profile.FILES: _file_sources,
        Profile.LIVE: _live_sources,
    }
    return makers[settings.profile](settings)


def _demo_sources(settings: Settings) -> Sources:
    from finpulse_assets.gateways.sources.simulated.simulated_minutes import SimulatedMinuteSource
    from finpulse_assets.gateways.sources.simulated.simulated_source import SimulatedSource

    plan = MarketPlan(
        ticker_count=settings.simulator_tickers,
        session_count=settings.simulator_sessions,
        seed=settings.simulator_seed,
        effect=settings.simulator_effect,
    )
    sessions, last = simulated_sessions(settings), settings.simulator_minute_sessions
    source = SimulatedSource(plan, sessions)
    minutes = SimulatedMinuteSource(plan, sessions, last=last) if last else None
    return Sources(source, source, minutes)


def simulated_sessions(settings: Settings) -> object:
    """Return the sessions that the simulated market has behind it."""
    as_of = settings.as_of or datetime.now(UTC)
    delay = timedelta(minutes=settings.decision_delay_minutes)
    sessions = build_sessions(FIRST_DAY, as_of.date(), decision_delay=delay)
    last = last_completed_session(sessions, as_of)
    return sessions.filter(sessions["session_date"] <= last["session_date"])


def _file_sources(settings: Settings) -> Sources:
    from finpulse_assets.gateways.sources.files.files import FilePriceSource, FileTextSource
    from finpulse_assets.gateways.sources.files.minute_files import FileMinuteSource

    settings = with_remembered_files(settings)
    if settings.prices_path is None:
        raise SettingError(
            "the files profile needs prices and FINPULSE_PRICES_PATH is not set",
            hint="name a Parquet, CSV or NDJSON file of daily bars",
        )
    return Sources(
        FileTextSource(tweets=settings.tweets_path, headlines=settings.headlines_path),
        FilePriceSource(
            prices=settings.prices_path,
            corporate_actions=settings.corporate_actions_path,
            tickers=settings.tickers_path,
        ),
        FileMinuteSource(settings.bars_1m_path) if settings.bars_1m_path else None,
    )


def _live_sources(settings: Settings) -> Sources:
    from finpulse_assets.gateways.sources.yahoo.yahoo import YahooSource

    source = YahooSource(settings.ticker_list)
    return Sources(source, source)


def resolve_clock(settings: Settings, sources: Sources) -> RunClock:
    """Return the as-of time and the first day of a run.

    The as-of time is the setting, or else the end of what the source has: the decision of the last
    session that is complete. Only a live source without an end runs as of now.
    """
    prices, texts = sources.prices.extent(), sources.texts.extent()
    now = datetime.now(UTC).replace(microsecond=0)
    as_of = settings.as_of or (_end_of(prices, settings) if prices else now)
    if as_of > now:
        raise SettingError(
            f"the as-of time {as_of:%Y-%m-%d %H:%M} UTC lies ahead of now, {now:%Y-%m-%d %H:%M}",
            hint="FINPULSE_AS_OF is a UTC time in the past",
        )
    extents = [extent.first.astimezone(NEW_YORK).date() for extent in (prices, texts) if extent]
    first = settings.start_date or min(extents, default=(as_of - LIVE_HISTORY).date())
    if first > as_of.date():
        raise SettingError(
            f"the data begins on {first}, after the as-of time {as_of:%Y-%m-%d %H:%M} UTC",
            hint="check FINPULSE_AS_OF and FINPULSE_START_DATE",
        )
    return RunClock(as_of=as_of, start_date=max(first, FIRST_DAY))


def _end_of(prices: Extent, settings: Settings) -> datetime:
    """Return the decision time of the last session that the prices reach."""
    delay = timedelta(minutes=settings.decision_delay_minutes)
    last_day = prices.last.date()
    sessions = build_sessions(last_day - timedelta(days=14), last_day, decision_delay=delay)
    return last_completed_session(sessions, prices.last + delay)["decision_at"]
