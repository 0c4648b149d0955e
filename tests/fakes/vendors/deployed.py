"""The sources of a deployment, each reaching its vendor on loopback."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from finpulse_assets.gateways.sources.feed import Feed
from finpulse_assets.orchestration.run.vendors import answers_of, vendor_of
from finpulse_assets.settings import Settings, load_settings
from tests.fakes.vendors.filings import MANAGERS, cusip
from tests.fakes.vendors.server import Vendors


def vendor_settings(vendors: Vendors) -> dict[str, str]:
    """Return the settings that lead to the vendors: address, key and universe."""
    fakes, companies = vendors.fakes, vendors.fakes["rss"].corpus.companies
    url, secret = vendors.url, {name: fake.secret for name, fake in fakes.items()}
    feeds = [f"{name}={url('rss')}/{name}.xml" for name in [*companies, "all"]]
    return {
        "tickers": ",".join(companies),
        "company_names": ",".join(f"{ticker}={name}" for ticker, name in companies.items()),
        "contact": "Jane Roe jane@example.com",
        "rss_feeds": ",".join(feeds),
        "edgar_files_url": url("edgar"),
        "edgar13f_files_url": url("edgar13f"),
        "managers": ",".join(str(it) for it in MANAGERS),
        "cusips": ",".join(f"{ticker}={cusip(at)}" for at, ticker in enumerate(companies)),
        "yahoo_options_cookie_url": f"{url('yahoo_options')}/cookie",
        "yahoo_options_expiries": "2",
        "edgar_zone": "UTC",
        "reddit_client_id": "id",
        "reddit_client_secret": secret["reddit"],
        "reddit_user_agent": "linux:finpulse:0.1 (by /u/jane)",
        "reddit_token_url": f"{url('reddit')}/token",
        "subreddits": "stocks",
        "gdelt_hours": "6",
        "binance_symbols": "BTCUSDT",
        "binance_days": "2",
        "oanda_instruments": "EUR_USD",
        "oanda_days": "5",
        "finnhub_most": "12",
        "finnhub_days": "60",
        "alphavantage_requests_a_day": "500",
        **{f"{name}_url": url(name) for name in fakes if name != "rss"},
        **{f"{name}_key": secret[name] for name in ("newsapi", "finnhub", "alphavantage", "stooq")},
        **{f"{name}_token": secret[name] for name in ("x", "oanda")},
    }


def settings_of(vendors: Vendors, home: Path, **more: object) -> Settings:
    """Return the settings of a home that asks the vendors."""
    named = tuple((vendor_settings(vendors) | more).items())
    return _read(named).model_copy(update={"home": home})


@cache
def _read(named: tuple[tuple[str, object], ...]) -> Settings:
    """Return checked settings: to read them costs more than most requests of a test."""
    return load_settings(profile="live", **dict(named))


def feed(vendors: Vendors, name: str, home: Path, **more: object) -> Feed:
    """Return one source of such a home."""
    settings = settings_of(vendors, home, **more)
    return Feed(
        vendor_of(name, settings),
        answers_of(settings, name),
        timer=vendors.clock.timer,
        tickers=settings.ticker_list,
    )
