"""The list of sources: which ones a profile has, what each needs, and how each is made.

A source of the list that is not configured is no asset; `finpulse doctor` says why.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from difflib import get_close_matches
from importlib.util import find_spec

import polars as pl

from finpulse_assets.domain.calendar import build_sessions, last_completed_session
from finpulse_assets.domain.simulator import MarketPlan
from finpulse_assets.errors import SettingError
from finpulse_assets.gateways.clock import Now, system_now
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.sources.source import Source, Sources
from finpulse_assets.orchestration.run.clock import FIRST_DAY
from finpulse_assets.orchestration.run.home import with_remembered_files
from finpulse_assets.orchestration.run.source_kind import SourceKind
from finpulse_assets.orchestration.run.vendors import VENDORS
from finpulse_assets.schemas import Kind
from finpulse_assets.settings import Settings

FILE_KINDS: dict[Kind, str] = {
    "prices": "prices_path",
    "corporate_actions": "corporate_actions_path",
    "tweets": "tweets_path",
    "headlines": "headlines_path",
    "bars_1m": "bars_1m_path",
}


def listed_sources(settings: Settings) -> list[SourceKind]:
    """Return the sources of the list, in its order, configured or not.

    Raises:
        SettingError: the list names a source that does not exist.
    """
    for name in settings.source_names:
        if name not in KNOWN:
            near = get_close_matches(name, KNOWN, n=1) or sorted(KNOWN)
            raise SettingError(
                f"FINPULSE_SOURCES names {name!r}, which is no source",
                hint=f"known are {', '.join(near)}",
            )
    return [KNOWN[name] for name in settings.source_names]


def configured_sources(settings: Settings) -> list[SourceKind]:
    """Return the sources of the list that are configured: those that are assets."""
    return [source for source in listed_sources(settings) if source.absence(settings) is None]


def build_sources(settings: Settings, *, now: Now = system_now) -> Sources:
    """Return the sources of the deployment.

    Raises:
        SettingError: no configured source gives prices.
    """
    settings = with_remembered_files(settings)
    chosen = configured_sources(settings)
    if not any("prices" in source.kinds(settings) for source in chosen):
        absent = [source.absence(settings) for source in listed_sources(settings)]
        said = "; ".join(reason for reason in absent if reason) or "none of the list gives any"
        raise SettingError(f"no source of prices is configured: {said}", hint="see finpulse doctor")
    return Sources(tuple(source.make(settings, now) for source in chosen))


def sources_of(settings: Settings, kind: Kind) -> list[str]:
    """Return the names of the configured sources of a kind of row, in order."""
    return [s.name for s in configured_sources(settings) if kind in s.kinds(settings)]


def planted_sentence(settings: Settings) -> str | None:
    """Return what a reader of a simulated market's figures must know, None for a real market."""
    if not {"simulator", "exchange"} & set(sources_of(settings, "prices")):
        return None
    planted = [
        f"{of} of one deviation moves the next session by {effect:g} deviations"
        for of, effect in (
            ("an opinion", settings.simulator_effect),
            ("the mood of all tickers", settings.simulator_market_effect),
        )
        if effect
    ]
    if not planted:
        return "The market is simulated, and no effect is planted in it."
    return (
        "The market is simulated and its effect is planted, far larger than a real one: "
        f"{', and '.join(planted)}."
    )


def simulated_sessions(settings: Settings, now: datetime) -> pl.DataFrame:
    """Return the sessions that the simulated market has behind it at `now` (UTC)."""
    as_of = settings.as_of or now
    delay = timedelta(minutes=settings.decision_delay_minutes)
    sessions = build_sessions(FIRST_DAY, as_of.date(), decision_delay=delay)
    last: date = last_completed_session(sessions, as_of)["session_date"]
    return sessions.filter(pl.col("session_date") <= last)


def _simulator(settings: Settings, now: Now) -> Source:
    from finpulse_assets.gateways.sources.simulated.simulated_minutes import SimulatedMinuteSource
    from finpulse_assets.gateways.sources.simulated.simulated_source import SimulatedSource

    plan = MarketPlan(
        ticker_count=settings.simulator_tickers,
        session_count=settings.simulator_sessions,
        seed=settings.simulator_seed,
        effect=settings.simulator_effect,
        market_effect=settings.simulator_market_effect,
    )
    sessions, last = simulated_sessions(settings, now()), settings.simulator_minute_sessions
    market = SimulatedSource(plan, sessions)
    minutes = SimulatedMinuteSource(plan, sessions, last=last, now=now) if last else None
    return Source("simulator", _simulator_kinds(settings), market, market, minutes)


def _exchange(settings: Settings, now: Now) -> Source:
    return replace(_simulator(settings, now), name="exchange", kinds=_EXCHANGE_KINDS)


def _wire(settings: Settings, now: Now) -> Source:
    return replace(_simulator(settings, now), name="wire", kinds=_WIRE_KINDS)


def _simulator_kinds(settings: Settings) -> tuple[Kind, ...]:
    minutes: tuple[Kind, ...] = ("bars_1m",) if settings.simulator_minute_sessions else ()
    return ("tweets", "headlines", "prices", "corporate_actions", *minutes)


def _files(settings: Settings, now: Now) -> Source:
    from finpulse_assets.gateways.sources.files.files import FilePriceSource, FileTextSource
    from finpulse_assets.gateways.sources.files.minute_files import FileMinuteSource
    from finpulse_assets.gateways.sources.files.times import Notation

    daily = Notation(day_order=settings.day_order)
    minutes = settings.bars_1m_path and FileMinuteSource(
        settings.bars_1m_path, notation=replace(daily, zone=settings.bars_timezone), now=now
    )
    return Source(
        "files",
        _file_kinds(settings),
        FileTextSource(
            tweets=settings.tweets_path,
            headlines=settings.headlines_path,
            notation=daily,
            now=now,
        ),
        FilePriceSource(
            prices=settings.prices_path,
            corporate_actions=settings.corporate_actions_path,
            tickers=settings.tickers_path,
            notation=daily,
            now=now,
        ),
        minutes,
    )


def _file_kinds(settings: Settings) -> tuple[Kind, ...]:
    settings = with_remembered_files(settings)
    return tuple(kind for kind, path in FILE_KINDS.items() if getattr(settings, path) is not None)


def _files_absence(settings: Settings) -> str | None:
    if with_remembered_files(settings).prices_path is None:
        return (
            "the source files needs prices and FINPULSE_PRICES_PATH is not set "
            "(a Parquet, CSV or NDJSON file of daily bars)"
        )
    return None


def _yahoo(settings: Settings, now: Now) -> Source:
    from finpulse_assets.gateways.sources.yahoo.yahoo import YahooSource

    source = YahooSource(settings.ticker_list, now=now)
    return Source("yahoo", ("headlines", "prices", "corporate_actions"), source, source)


def _stream(settings: Settings, _: Now) -> Source:
    from finpulse_assets.gateways.sources.stream.held import STREAM, STREAM_KINDS, HeldStream

    held = HeldStream(Lake(settings.lake))
    return Source(STREAM, STREAM_KINDS, held, held)


def _yahoo_absence(_: Settings) -> str | None:
    if find_spec("yfinance") is None:
        return "the source yahoo needs the package yfinance (pip install finpulse[live])"
    return None


def _none(_: Settings) -> None:
    return None


# The simulator parted in two, so that one can be down while the other answers.
_EXCHANGE_KINDS: tuple[Kind, ...] = ("prices", "corporate_actions")
_WIRE_KINDS: tuple[Kind, ...] = ("tweets", "headlines")
_ALL: Sequence[SourceKind] = (
    SourceKind("simulator", "The simulated market.", _simulator_kinds, _none, _simulator),
    SourceKind(
        "exchange", "The simulated market's prices.", lambda _: _EXCHANGE_KINDS, _none, _exchange
    ),
    SourceKind("wire", "The simulated market's texts.", lambda _: _WIRE_KINDS, _none, _wire),
    SourceKind("files", "Data sets on disk.", _file_kinds, _files_absence, _files),
    SourceKind(
        "yahoo",
        "Yahoo Finance: daily bars, splits, dividends and the latest headlines.",
        lambda _: ("headlines", "prices", "corporate_actions"),
        _yahoo_absence,
        _yahoo,
        retries=(2, 30.0),
    ),
    SourceKind(
        "stream",
        "Texts and daily bars that came as messages of Kafka; `finpulse stream` keeps them.",
        lambda _: ("tweets", "headlines", "prices"),
        _none,
        _stream,
    ),
    *VENDORS,
)
KNOWN = {source.name: source for source in _ALL}
