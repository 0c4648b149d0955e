"""The vendors among the sources: what each gives and needs of the settings."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING

from finpulse_assets.gateways.sources.answers import AnswerStore
from finpulse_assets.gateways.sources.limits import Timer
from finpulse_assets.gateways.sources.source import Source
from finpulse_assets.orchestration.run.source_kind import SourceKind
from finpulse_assets.orchestration.run.vendor_makers import MAKERS, alphavantage_kinds
from finpulse_assets.schemas import COMPANY_KINDS, TEXT_KINDS, Kind
from finpulse_assets.settings import PREFIX, Settings

if TYPE_CHECKING:
    from finpulse_assets.gateways.sources.feed import Feed
    from finpulse_assets.gateways.sources.vendor import Vendor

RETRIES = (2, 60.0)
_PACKAGES = {"rss": "feedparser", "edgar13f": "defusedxml", "yahoo_options": "curl_cffi"}


def answers_of(settings: Settings, name: str) -> AnswerStore:
    """Return the kept answers of a source."""
    return AnswerStore(settings.lake / "source" / name / "answers")


def vendor_of(name: str, settings: Settings) -> Vendor:
    """Return a vendor with the credential of the settings."""
    return MAKERS[name](settings)


def feed_of(settings: Settings, name: str, timer: Timer, *, makes_requests: bool = True) -> Feed:
    """Return a vendor as a source of rows; without requests, of its kept answers alone."""
    from finpulse_assets.gateways.sources.feed import Feed, KeptFeed

    return (Feed if makes_requests else KeptFeed)(
        vendor_of(name, settings),
        answers_of(settings, name),
        timer=timer,
        tickers=settings.ticker_list,
    )


def vendor_source(
    name: str, settings: Settings, timer: Timer, *, makes_requests: bool = True
) -> Source:
    """Return a vendor as a member of the list of sources."""
    feed = feed_of(settings, name, timer, makes_requests=makes_requests)
    kinds = feed.vendor.kinds
    return Source(
        name,
        kinds,
        texts=feed if set(kinds) & set(TEXT_KINDS) else None,
        prices=feed if "prices" in kinds else None,
        minutes=feed if "bars_1m" in kinds else None,
        companies=feed if set(kinds) & set(COMPANY_KINDS) else None,
    )


def _absence(name: str, needed: tuple[str, ...], settings: Settings) -> str | None:
    missing = [PREFIX + one.upper() for one in needed if getattr(settings, one) is None]
    if missing:
        return f"the source {name} needs {' and '.join(missing)}"
    package = _PACKAGES.get(name)
    if package and find_spec(package) is None:
        return f"the source {name} needs the package {package} (pip install finpulse[live])"
    return None


def _vendor(
    name: str,
    sentence: str,
    kinds: tuple[Kind, ...] | Callable[[Settings], tuple[Kind, ...]],
    *needed: str,
) -> SourceKind:
    return SourceKind(
        name,
        sentence,
        kinds if callable(kinds) else lambda _: kinds,
        partial(_absence, name, needed),
        lambda settings, now: vendor_source(name, settings, Timer(now)),
        retries=RETRIES,
    )


VENDORS = (
    _vendor("rss", "RSS and Atom feeds.", ("headlines",), "rss_feeds"),
    _vendor("newsapi", "NewsAPI.org.", ("headlines",), "newsapi_key"),
    _vendor("gdelt", "GDELT's files of the world's news.", ("headlines",)),
    _vendor("finnhub", "Finnhub's company news.", ("headlines",), "finnhub_key"),
    _vendor(
        "alphavantage",
        "Alpha Vantage: news and daily bars.",
        alphavantage_kinds,
        "alphavantage_key",
    ),
    _vendor("edgar", "Filings and companies at the SEC.", ("headlines", "listings"), "contact"),
    _vendor("edgar13f", "Holdings of institutional managers at the SEC.", ("holdings",), "contact"),
    _vendor("nasdaqtrader", "Nasdaq Trader's symbol directories.", ("listings",)),
    _vendor("yahoo_options", "Option chains of Yahoo Finance.", ("options",)),
    _vendor("x", "X (Twitter), each read post is billed.", ("tweets",), "x_token"),
    _vendor(
        "reddit",
        "Posts and comments of subreddits.",
        ("tweets",),
        "reddit_client_id",
        "reddit_client_secret",
        "reddit_user_agent",
    ),
    _vendor("oanda", "OANDA: minute candles of currencies.", ("bars_1m",), "oanda_token"),
    _vendor("binance", "Binance: minute candles of crypto pairs.", ("bars_1m",)),
    _vendor("stooq", "Stooq: daily bars as a cross-check.", ("prices",), "stooq_key"),
)
