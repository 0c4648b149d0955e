"""How each vendor is reached: its address, its rates and the credential of the settings.

The rates are what the vendors allow at the least: a larger plan is asked no faster.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from pydantic import SecretStr

from finpulse_assets import __version__
from finpulse_assets.domain.texts.mentions import Mentions
from finpulse_assets.gateways.sources.access import Access
from finpulse_assets.gateways.sources.limits import Rate
from finpulse_assets.schemas import Kind
from finpulse_assets.settings import Settings

if TYPE_CHECKING:
    from finpulse_assets.gateways.sources.vendor import Vendor

AGENT = {"User-Agent": f"finpulse/{__version__}"}


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
    kinds = alphavantage_kinds(settings)
    a_day = settings.alphavantage_requests_a_day
    return AlphaVantage(settings.ticker_list, kinds, access, a_day=a_day)


def alphavantage_kinds(settings: Settings) -> tuple[Kind, ...]:
    """Return what is asked of Alpha Vantage."""
    return tuple(settings.alphavantage_gives.split(","))  # type: ignore[return-value]


def _binance(settings: Settings) -> Vendor:
    from finpulse_assets.gateways.sources.binance.binance import Binance

    # 1,200 a minute is the older limit, of which a request weighs 2.
    access = Access(settings.binance_url, rates=(Rate(600, 60.0),), headers=AGENT)
    symbols, days = settings.binance_symbols.split(","), settings.binance_days
    return Binance(symbols, access, history=timedelta(days=days))


def _edgar(settings: Settings) -> Vendor:
    from finpulse_assets.gateways.sources.edgar.edgar import Edgar

    access, zone = _edgar_access(settings.edgar_url, settings), settings.edgar_zone
    return Edgar(settings.ticker_list, settings.edgar_files_url, access, zone=zone)


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


def _edgar_access(url: str, settings: Settings) -> Access:
    headers = {"User-Agent": settings.contact or ""}
    # Two sources share the ten requests a second that all machines together may make.
    return Access(url, rates=(Rate(4, 1.0),), headers=headers)


def _edgar13f(settings: Settings) -> Vendor:
    from finpulse_assets.gateways.sources.edgar13f.edgar13f import Edgar13F

    return Edgar13F(
        settings.managers.split(","),
        settings.ticker_by_cusip,
        settings.edgar13f_files_url,
        _edgar_access(settings.edgar13f_url, settings),
        zone=settings.edgar_zone,
    )


def _nasdaqtrader(settings: Settings) -> Vendor:
    from finpulse_assets.gateways.sources.nasdaqtrader.nasdaqtrader import NasdaqTrader

    return NasdaqTrader(Access(settings.nasdaqtrader_url, rates=(Rate(1, 1.0),), headers=AGENT))


def _yahoo_options(settings: Settings) -> Vendor:
    from finpulse_assets.gateways.sources.yahoo_options.yahoo_options import YahooOptions, crumb

    url = settings.yahoo_options_url
    access = Access(
        url,
        rates=(Rate(2, 1.0),),
        renew=partial(
            crumb,
            cookie_url=settings.yahoo_options_cookie_url,
            crumb_url=f"{url.rstrip('/')}/v1/test/getcrumb",
        ),
        as_browser=True,
    )
    return YahooOptions(settings.ticker_list, access, expiries=settings.yahoo_options_expiries)


MAKERS: dict[str, Callable[[Settings], Vendor]] = {
    "rss": _rss,
    "newsapi": _newsapi,
    "gdelt": _gdelt,
    "finnhub": _finnhub,
    "alphavantage": _alphavantage,
    "edgar": _edgar,
    "edgar13f": _edgar13f,
    "nasdaqtrader": _nasdaqtrader,
    "yahoo_options": _yahoo_options,
    "x": _x,
    "reddit": _reddit,
    "oanda": _oanda,
    "binance": _binance,
    "stooq": _stooq,
}
