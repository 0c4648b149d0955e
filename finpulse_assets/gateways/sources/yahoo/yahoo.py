"""Yahoo Finance: daily bars, splits, dividends and headlines of the live profile.

Yahoo rewrites its history at every split: its prices are split-adjusted up to the day of the
request, so that bars fetched before and after a split do not fit together. Each request therefore
runs up to today, the splits in that same answer are taken out again, and the bars are delivered
"unadjusted", with splits and dividends as corporate actions. What was fetched once stays true.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from finpulse_assets.domain.calendar import NEW_YORK
from finpulse_assets.errors import SettingError
from finpulse_assets.gateways.clock import Now, system_now
from finpulse_assets.gateways.sources.files.cells import read_cell
from finpulse_assets.gateways.sources.protocols import (
    DELIVERED_ACTIONS,
    DELIVERED_PRICES,
    DELIVERED_TEXTS,
    Extent,
    PartialAnswer,
    TextKind,
    action_window,
    check_kind,
    check_window,
    days_within,
    delivered_as,
    price_window,
    text_window,
)
from finpulse_assets.gateways.sources.yahoo.each_ticker import Answer, Found, for_each
from finpulse_assets.gateways.sources.yahoo.yahoo_client import YahooClient, daily_history
from finpulse_assets.schemas import OHLC, TICKERS
from finpulse_assets.schemas import UTC as UTC_TIME

if TYPE_CHECKING:
    import pandas as pd
    import yfinance

logger = logging.getLogger(__name__)

NEWS_COUNT = 100
# Requests start this much earlier: a listed ticker then always has a bar in the answer, and an
# answer without one means that there is no such ticker, not that the window is a weekend.
LEAD_IN = timedelta(days=10)
# Yahoo cuts its split-adjusted prices; below this decimal only its rounding is left.
PRICE_DECIMALS = 4

_NEWS_COLUMNS = ("text_id", "ticker", "event_time", "text", "author")
_BARS = {
    "session_date": pl.Date,
    "open": pl.Float64,
    "high": pl.Float64,
    "low": pl.Float64,
    "close": pl.Float64,
    "volume": pl.Float64,
    "dividend": pl.Float64,
    "split": pl.Float64,
}


_NO_BARS = pl.DataFrame(schema=_BARS | {"ticker": pl.String, "source": pl.String})


class YahooSource:
    """Bars, corporate actions and headlines of some tickers; it has no tweets.

    Args:
        tickers: symbols, "BRK.B" or "BRK-B".
        session: HTTP session for yfinance (curl_cffi or requests); None for its own.
        retries: further attempts after a failure that may pass.
        pause: waits for some seconds.
        now: the present time (UTC).

    Raises:
        SettingError: `tickers` is empty.
    """

    name = "yahoo"

    def __init__(
        self,
        tickers: Sequence[str],
        *,
        session: Any = None,
        retries: int = 3,
        pause: Callable[[float], None] = time.sleep,
        now: Now = system_now,
    ) -> None:
        symbols = [ticker.strip().upper().replace(".", "-") for ticker in tickers]
        self._tickers = sorted({symbol for symbol in symbols if symbol})
        if not self._tickers:
            raise SettingError("no tickers are given", hint="set FINPULSE_TICKERS, such as AAPL")
        self._client = YahooClient(session=session, retries=retries, pause=pause)
        self._now = now
        self._remarks: dict[str, list[str]] = {}
        self._asked: tuple[date, date] | None = None
        self._found: Found[pl.DataFrame] = Found()

    def extent(self) -> Extent | None:
        """Return None: Yahoo goes on, and how far back is different for every ticker."""
        return None

    def texts(self, kind: TextKind, start: datetime, end: datetime) -> pl.DataFrame:
        """Return the headlines of the window among the latest hundred of each ticker.

        Yahoo has no older ones, and no tweets. When we had them it does not know.
        """
        check_kind(kind)
        window = text_window(start, end)
        if kind == "tweets":
            return pl.DataFrame(schema=DELIVERED_TEXTS)
        found = self._for_each_ticker(self._news)
        rows = [row for answer in found.answers for row in answer]
        raw = pl.DataFrame(rows, schema=dict.fromkeys(_NEWS_COLUMNS, pl.String))
        published = read_cell("event_time", "event_time", pl.String, UTC_TIME)
        frame = raw.with_columns(
            published.value,
            published.problem.alias("problem"),
            is_retweet=pl.lit(False),
            source=pl.lit(self.name),
        )
        return self._told(kind, found, delivered_as(frame, DELIVERED_TEXTS).filter(window))

    def prices(self, start: datetime, end: datetime) -> pl.DataFrame:
        """Return the unadjusted bars of the window; a session still open has none yet."""
        check_window(start, end)
        end = max(start, min(end, self._now()))
        found = self._histories(start, end)
        frame = pl.concat([_NO_BARS, *found.answers]).with_columns(
            pl.col("volume").round().cast(pl.Int64, strict=False).alias("volume_shares"),
            price_basis=pl.lit("unadjusted"),
        )
        bars = delivered_as(frame, DELIVERED_PRICES).filter(price_window(start, end))
        return self._told("prices", found, bars)

    def corporate_actions(self, start: datetime, end: datetime) -> pl.DataFrame:
        """Return the splits and dividends with an ex-date in the window."""
        found = self._histories(start, end)
        frame = pl.concat([_NO_BARS, *found.answers]).rename({"session_date": "ex_date"})
        actions = frame.unpivot(
            ["dividend", "split"],
            index=["ticker", "ex_date", "source"],
            variable_name="kind",
            value_name="value",
        ).filter(pl.col("value") > 0)
        actions = delivered_as(actions, DELIVERED_ACTIONS).filter(action_window(start, end))
        return self._told("corporate_actions", found, actions)

    def tickers(self) -> pl.DataFrame:
        """Return each ticker with its first trading day; Yahoo's chart names no sector."""
        found = self._for_each_ticker(self._listing)
        if found.failed:  # a universe without some of its tickers would be another one
            raise next(iter(found.failed.values()))
        rows = found.some().answers
        return TICKERS.enforce(pl.DataFrame(rows, schema=TICKERS.polars_schema, orient="row"))

    def remarks(self, kind: str) -> list[str]:
        """Return which tickers Yahoo has nothing about."""
        return self._remarks.get(kind, [])

    def _told(self, kind: str, found: Found, rows: pl.DataFrame) -> pl.DataFrame:
        """Return the rows, having noted for which tickers there are none.

        Raises:
            PartialAnswer: Yahoo did not answer about some.
        """
        names = ", ".join(found.unknown)
        self._remarks[kind] = [f"Yahoo has nothing about {names}"] if names else []
        if found.failed:
            first = next(iter(found.failed.values()))
            said = f"{first.message}; {len(found.failed)} of {len(self._tickers)} tickers failed"
            raise PartialAnswer(said, rows=rows, unanswered=list(found.failed))
        return rows

    def _histories(self, start: datetime, end: datetime) -> Found[pl.DataFrame]:
        """Return bars with their splits and dividends, asked for once for a window's first day.

        Prices and actions of a run share the answer: both run from some day up to today.
        """
        first, _ = days_within(start, end, moment="close_at")
        _, last = days_within(start, end, moment="open_at")
        if first > last:
            return Found()
        asked = (first, self._today)
        if self._asked != asked:
            self._found = self._for_each_ticker(lambda ticker: self._bars(ticker, first)).some()
            self._asked = asked if not self._found.failed else None
        return self._found

    def _for_each_ticker(self, ask: Callable[[str], Answer | None]) -> Found[Answer]:
        found = for_each(self._tickers, ask)
        if found.unknown:
            logger.warning("Yahoo has no data for %s, going on without", ", ".join(found.unknown))
        return found

    def _bars(self, ticker: str, first: date) -> pl.DataFrame | None:
        history = self._client.ask(
            ticker, lambda yahoo: daily_history(yahoo, first - LEAD_IN, self._today)
        )
        if history is None or history.empty:
            return None
        bars = _without_split_adjustment(_as_polars(history))
        return bars.with_columns(ticker=pl.lit(ticker), source=pl.lit(self.name))

    def _listing(self, ticker: str) -> tuple[object, ...] | None:
        def listing(yahoo: yfinance.Ticker) -> tuple[object, ...]:
            bars = daily_history(yahoo, self._today - LEAD_IN, self._today)
            about = yahoo.get_history_metadata(repair=False)
            first = about["firstTradeDate"] if about.get("firstTradeDate") else bars.index[0]
            return (
                ticker, about.get("longName"), None, about.get("fullExchangeName"),
                first.date(), None,
            )  # fmt: skip

        return self._client.ask(ticker, listing)

    def _news(self, ticker: str) -> list[dict[str, str | None]] | None:
        items = self._client.ask(ticker, lambda yahoo: yahoo.get_news(count=NEWS_COUNT, tab="news"))
        return [_headline(ticker, item) for item in items] if items else None

    @property
    def _today(self) -> date:
        return self._now().astimezone(NEW_YORK).date()


def _as_polars(history: pd.DataFrame) -> pl.DataFrame:
    names = ("Open", "High", "Low", "Close", "Volume", "Dividends", "Stock Splits")
    days = [moment.date() for moment in history.index]
    columns = [history[name].to_numpy(dtype=float) for name in names]
    return pl.DataFrame(dict(zip(_BARS, [days, *columns], strict=True)), schema=_BARS).with_columns(
        pl.col(pl.Float64).fill_nan(None)
    )


def _without_split_adjustment(bars: pl.DataFrame) -> pl.DataFrame:
    """Undo the splits after each bar; `bars` reach from some day to today, ascending."""
    ratio = pl.when(pl.col("split") > 0).then("split").otherwise(1.0)
    later = ratio.shift(-1, fill_value=1.0).cum_prod(reverse=True)
    prices = (*OHLC, "dividend")
    return bars.with_columns(
        *((pl.col(name) * later).round(PRICE_DECIMALS) for name in prices),
        volume=pl.col("volume") / later,
    )


def _headline(ticker: str, item: Mapping[str, Any]) -> dict[str, str | None]:
    content = _mapping(item.get("content"))
    values = {
        "text_id": item.get("id") or content.get("id"),
        "ticker": ticker,
        "event_time": content.get("pubDate"),
        "text": content.get("title"),
        "author": _mapping(content.get("provider")).get("displayName"),
    }
    return {name: None if value is None else str(value) for name, value in values.items()}


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
