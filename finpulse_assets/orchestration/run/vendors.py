"""The vendors among the sources: what each needs of the settings, and how it is reached.

The rates are what the vendors allow at the least: a larger plan is asked no faster.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING

from pydantic import SecretStr

from finpulse_assets import __version__
from finpulse_assets.domain.texts.mentions import Mentions
from finpulse_assets.gateways.sources.access import Access
from finpulse_assets.gateways.sources.answers import AnswerStore
from finpulse_assets.gateways.sources.limits import Rate, Timer
from finpulse_assets.gateways.sources.source import Source
from finpulse_assets.orchestration.run.source_kind import SourceKind
from finpulse_assets.schemas import TEXT_KINDS, Kind
from finpulse_assets.settings import PREFIX, Settings

if TYPE_CHECKING:
    from finpulse_assets.gateways.sources.feed import Feed
    from finpulse_assets.gateways.sources.vendor import Vendor

AGENT = {"User-Agent": f"finpulse/{__version__}"}
RETRIES = (2, 60.0)


def answers_of(settings: Settings, name: str) -> AnswerStore:
    """Return the kept answers of a source."""
    return AnswerStore(settings.lake / "source" / name / "answers")


def vendor_of(name: str, settings: Settings) -> Vendor:
    """Return a vendor with the credential of the settings."""
    return _MAKERS[name](settings)


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
    )


def _secret(value: SecretStr | None) -> str:
    return value.get_secret_value() if value else ""


def _mentions(settings: Settings) -> Mentions:
    return Mentions(settings.ticker_list, settings.names_by_ticker)


def _alphavantage(settings: Settings) -> Vendor:
    from finpulse_assets.gateways.sources.alphavantage.alphavantage import AlphaVantage

    access = Access(
        settings.alphavantage_url,
        rates=(Rate(1, 1.0), Rate(5, 60.0)),
        headers=AGENT,
        secret_params={"apikey": _secret(settings.alphavantage_key)},
    )
    kinds = _alphavantage_kinds(settings)
    a_day = settings.alphavantage_requests_a_day
    return AlphaVantage(settings.ticker_list, kinds, access, a_day=a_day)


def _alphavantage_kinds(settings: Settings) -> tuple[Kind, ...]:
    return tuple(settings.alphavantage_gives.split(","))  # type: ignore[return-value]


def _binance(settings: Settings) -> Vendor:
    from finpulse_assets.gateways.sources.binance.binance import Binance

    # 1,200 a minute is the older limit, of which a request weighs 2.
    access = Access(settings.binance_url, rates=(Rate(600, 60.0),), headers=AGENT)
    symbols, days = settings.binance_symbols.split(","), settings.binance_days
    return Binance(symbols, access, history=timedelta(days=days))


def _edgar(settings: Settings) -> Vendor:
    from finpulse_assets.gateways.sources.edgar.edgar import Edgar

    headers = {"User-Agent": settings.contact or ""}
    access = Access(settings.edgar_url, rates=(Rate(8, 1.0),), headers=headers)
    return Edgar(settings.ticker_list, settings.edgar_files_url, access, zone=settings.edgar_zone)


def _finnhub(settings: Settings) -> Vendor:
    from finpulse_assets.gateways.sources.finnhub.finnhub import Finnhub

    access = Access(
        settings.finnhub_url,
        rates=(Rate(10, 1.0), Rate(60, 60.0)),
        headers=AGENT,
        secret_headers={"X-Finnhub-Token": _secret(settings.finnhub_key)},
    )
    return Finnhub(
        settings.ticker_list,
        access,
        most=settings.finnhub_most,
        history=timedelta(days=settings.finnhub_days),
    )


def _gdelt(settings: Settings) -> Vendor:
    from finpulse_assets.gateways.sources.gdelt.gdelt import Gdelt

    access = Access(settings.gdelt_url, rates=(Rate(1, 1.0),), headers=AGENT)
    return Gdelt(_mentions(settings), access, history=timedelta(hours=settings.gdelt_hours))


def _newsapi(settings: Settings) -> Vendor:
    from finpulse_assets.gateways.sources.newsapi.newsapi import NewsApi

    access = Access(
        settings.newsapi_url,
        rates=(Rate(1, 1.0),),
        headers=AGENT,
        secret_headers={"X-Api-Key": _secret(settings.newsapi_key)},
    )
    return NewsApi(settings.names_by_ticker, access, a_day=settings.newsapi_requests_a_day)


def _oanda(settings: Settings) -> Vendor:
    from finpulse_assets.gateways.sources.oanda.oanda import Oanda

    access = Access(
        settings.oanda_url,
        rates=(Rate(50, 1.0),),
        headers=AGENT,
        secret_headers={"Authorization": f"Bearer {_secret(settings.oanda_token)}"},
    )
    instruments, days = settings.oanda_instruments.split(","), settings.oanda_days
    return Oanda(instruments, access, history=timedelta(days=days))


def _reddit(settings: Settings) -> Vendor:
    from finpulse_assets.gateways.sources.reddit.reddit import Reddit, token

    secret, agent = _secret(settings.reddit_client_secret), settings.reddit_user_agent or ""
    access = Access(
        settings.reddit_url,
        rates=(Rate(90, 60.0),),
        headers={"User-Agent": agent},
        secrets=(secret,),
        renew=partial(
            token,
            url=settings.reddit_token_url,
            client_id=settings.reddit_client_id or "",
            client_secret=secret,
            user_agent=agent,
        ),
    )
    return Reddit(settings.subreddits.split(","), _mentions(settings), access)


def _rss(settings: Settings) -> Vendor:
    from finpulse_assets.gateways.sources.rss.rss import Rss

    access = Access("", rates=(Rate(2, 1.0),), headers=AGENT, follows=True)
    return Rss(settings.feeds, _mentions(settings), settings.ticker_list, access)


def _stooq(settings: Settings) -> Vendor:
    from finpulse_assets.gateways.sources.stooq.stooq import Stooq

    access = Access(
        settings.stooq_url,
        rates=(Rate(1, 1.0),),
        headers=AGENT,
        secret_params={"apikey": _secret(settings.stooq_key)},
    )
    return Stooq(settings.ticker_list, access)


def _x(settings: Settings) -> Vendor:
    from finpulse_assets.gateways.sources.x.x import X

    access = Access(
        settings.x_url,
        rates=(Rate(1, 1.0), Rate(300, 900.0)),
        headers=AGENT,
        secret_headers={"Authorization": f"Bearer {_secret(settings.x_token)}"},
    )
    return X(
        settings.ticker_list,
        access,
        query=settings.x_query,
        has_archive=settings.x_archive,
        most_posts=settings.x_posts_a_month,
    )


_MAKERS: dict[str, Callable[[Settings], Vendor]] = {
    "rss": _rss,
    "newsapi": _newsapi,
    "gdelt": _gdelt,
    "finnhub": _finnhub,
    "alphavantage": _alphavantage,
    "edgar": _edgar,
    "x": _x,
    "reddit": _reddit,
    "oanda": _oanda,
    "binance": _binance,
    "stooq": _stooq,
}


def _absence(name: str, needed: tuple[str, ...], settings: Settings) -> str | None:
    missing = [PREFIX + one.upper() for one in needed if getattr(settings, one) is None]
    if missing:
        return f"the source {name} needs {' and '.join(missing)}"
    if name == "rss" and find_spec("feedparser") is None:
        return "the source rss needs the package feedparser (pip install finpulse[live])"
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
        _alphavantage_kinds,
        "alphavantage_key",
    ),
    _vendor("edgar", "Filings at the SEC.", ("headlines",), "contact"),
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
