"""Texts and prices from data sets on disk: Parquet, CSV or NDJSON, in any understood shape.

The two sources of the `files` profile. Files are read again at every call, lazily, so that only the
rows of the window are held and a changed file is noticed.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl

from finpulse_assets.domain.calendar import NEW_YORK
from finpulse_assets.domain.features.choice import has_prices
from finpulse_assets.gateways.clock import Now, system_now
from finpulse_assets.gateways.sources.files.file_rows import Files
from finpulse_assets.gateways.sources.files.known_shapes import (
    ACTION_SHAPES,
    PRICE_SHAPES,
    SYMBOL_SHAPES,
    TEXT_SHAPES,
)
from finpulse_assets.gateways.sources.files.times import Notation
from finpulse_assets.gateways.sources.protocols import (
    DELIVERED_ACTIONS,
    DELIVERED_TEXTS,
    Extent,
    Outside,
    TextKind,
    action_window,
    check_kind,
    price_window,
    text_window,
    time_on,
)
from finpulse_assets.schemas import TICKERS, UTC, Kind

# A ticker whose bars end longer before the end of the files than this is no longer listed.
DELISTED_AFTER = timedelta(days=30)
ONE_DAY = timedelta(days=1)


class FileTextSource:
    """Tweets and headlines from files.

    Args:
        tweets: a file, a folder or a glob; None for no tweets. A folder with Tweet.csv and
            Company_Tweet.csv is the Kaggle pair.
        headlines: the same for headlines.
        notation: how the files write what can be read in two ways.
        now: the present time (UTC); a text that is still to come is a bad row, and no end of the
            data.
    """

    name = "files"

    def __init__(
        self,
        *,
        tweets: Path | None = None,
        headlines: Path | None = None,
        notation: Notation | None = None,
        now: Now = system_now,
    ) -> None:
        paths = {"tweets": tweets, "headlines": headlines}
        self._files: dict[TextKind, Files] = {
            kind: Files(path, TEXT_SHAPES, kind, notation or Notation())
            for kind, path in paths.items()
            if path
        }
        self._now = now

    def extent(self) -> Extent | None:
        """Return the first and last delivery time of all texts, None where there are none.

        Raises:
            SourceError: a file has rows, and none of them has a usable time.
        """
        moment = pl.coalesce("knowledge_time", "event_time")
        ends = [files.ends(moment, self._now()) for files in self._files.values()]
        if not ends:
            return None
        first, last = pl.concat(ends).select(pl.min("first"), pl.max("last")).row(0)
        return Extent(first, last) if first else None

    def texts(self, kind: TextKind, start: datetime, end: datetime) -> pl.DataFrame:
        """Return the texts of the window; see `TextSource.texts`."""
        check_kind(kind)
        window = text_window(start, end)
        if kind not in self._files:
            return pl.DataFrame(schema=DELIVERED_TEXTS)
        ahead = pl.col("event_time") > pl.lit(self._now(), UTC)
        return self._files[kind].rows(window, ahead=ahead, moment="event_time")

    def ignored_columns(self, kind: Kind) -> dict[str, list[str]]:
        """Return the columns that nothing reads; see `ReadsFiles`."""
        return self._files[kind].ignored_columns() if kind in self._files else {}

    def outside(self, kind: Kind, start: datetime, end: datetime) -> Outside:
        """Return what lies outside the window; see `ReadsFiles`."""
        if kind not in self._files:
            return Outside(0)
        moment = pl.coalesce("knowledge_time", "event_time")
        return self._files[kind].outside(
            text_window(start, end), moment.dt.date(), moment <= pl.lit(self._now(), UTC)
        )


class FilePriceSource:
    """Daily bars, corporate actions and companies from files.

    Args:
        prices: a file, a folder or a glob.
        corporate_actions: the same for splits and dividends; None where prices contain them.
        tickers: the same for company and sector of each symbol; None to do without.
        notation: how the files write what can be read in two ways.
        now: the present time (UTC); a session that is still to come is a bad row, and no end of
            the data.
    """

    name = "files"

    def __init__(
        self,
        *,
        prices: Path,
        corporate_actions: Path | None = None,
        tickers: Path | None = None,
        notation: Notation | None = None,
        now: Now = system_now,
    ) -> None:
        how = notation or Notation()
        self._prices = Files(prices, PRICE_SHAPES, "prices", how)
        actions, companies = corporate_actions, tickers
        self._actions = actions and Files(actions, ACTION_SHAPES, "corporate actions", how)
        self._tickers = companies and Files(companies, SYMBOL_SHAPES, "tickers", how)
        self._now = now

    def extent(self) -> Extent | None:
        """Return the open of the first session and the close of the last, None without bars.

        The last is one that has ended and has prices: a bar of today before its close, or a row
        that holds nothing but its day, is no end of the data.

        Raises:
            SourceError: a file has rows, and none of them has a usable day.
        """
        today = self._today()
        ended = today if time_on(today, "close_at") <= self._now() else today - ONE_DAY
        with_prices = pl.when(has_prices()).then(pl.col("session_date"))
        ends = self._prices.ends(with_prices, ended)
        first, last = ends.select(pl.min("first"), pl.max("last")).row(0)
        if first is None:
            return None
        return Extent(time_on(first, "open_at"), time_on(last, "close_at"))

    def prices(self, start: datetime, end: datetime) -> pl.DataFrame:
        """Return the bars of the window; see `PriceSource.prices`."""
        ahead = pl.col("session_date") > self._today()
        return self._prices.rows(price_window(start, end), ahead=ahead, moment="session_date")

    def corporate_actions(self, start: datetime, end: datetime) -> pl.DataFrame:
        """Return the actions of the window; see `PriceSource.corporate_actions`."""
        window = action_window(start, end)
        if not self._actions:
            return pl.DataFrame(schema=DELIVERED_ACTIONS)
        return self._actions.rows(window)

    def ignored_columns(self, kind: Kind) -> dict[str, list[str]]:
        """Return the columns that nothing reads; see `ReadsFiles`."""
        files = self._of(kind)
        return files.ignored_columns() if files else {}

    def outside(self, kind: Kind, start: datetime, end: datetime) -> Outside:
        """Return what lies outside the window; see `ReadsFiles`."""
        files = self._of(kind)
        if not files:
            return Outside(0)
        if kind == "prices":
            day = pl.col("session_date")
            return files.outside(price_window(start, end), day, day <= self._today())
        return files.outside(action_window(start, end), pl.col("ex_date"), pl.lit(True))

    def tickers(self) -> pl.DataFrame:
        """Return each ticker of the prices with its span, and its company where a file names it.

        `valid_to` is the last bar of a ticker whose bars end more than 30 days before the files.
        """
        past = pl.col("session_date").filter(pl.col("session_date") <= self._now())
        spans = self._prices.ask(
            lambda prices: (
                prices.filter(pl.col("ticker").is_not_null())
                .group_by("ticker")
                .agg(first=past.min(), last=past.max())
            )
        )
        spans = spans.group_by("ticker").agg(pl.min("first"), pl.max("last")).drop_nulls()
        ended = pl.col("last") < pl.col("last").max() - DELISTED_AFTER
        listed = spans.select(
            "ticker", valid_from="first", valid_to=pl.when(ended).then(pl.col("last"))
        )
        return TICKERS.enforce(
            listed.join(self._companies(), on="ticker", how="left")
            .with_columns(exchange=pl.lit(None, pl.String))
            .select(TICKERS.column_names)
        )

    def _companies(self) -> pl.DataFrame:
        if not self._tickers:
            schema = {name: pl.String for name in ("ticker", "company", "sector")}
            return pl.DataFrame(schema=schema)
        companies = self._tickers.ask(lambda rows: rows.drop("problem"))
        return companies.unique("ticker", keep="first", maintain_order=True)

    def _of(self, kind: Kind) -> Files | None:
        return {"prices": self._prices, "corporate_actions": self._actions}.get(kind)

    def _today(self) -> date:
        return self._now().astimezone(NEW_YORK).date()
