"""Texts and prices from data sets on disk: Parquet, CSV or NDJSON, in any understood shape.

The two sources of the `files` profile. Files are read again at every call, lazily, so that only the
rows of the window are held and a changed file is noticed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

from finpulse_assets.domain.calendar import NEW_YORK
from finpulse_assets.domain.features.choice import has_prices
from finpulse_assets.gateways.clock import Now, system_now
from finpulse_assets.gateways.sources.files.formats import open_tables, reading
from finpulse_assets.gateways.sources.files.shapes import (
    ACTION_SHAPES,
    PRICE_SHAPES,
    SYMBOL_SHAPES,
    TEXT_SHAPES,
    Shape,
    deliver,
    recognise,
)
from finpulse_assets.gateways.sources.protocols import (
    DELIVERED_ACTIONS,
    DELIVERED_TEXTS,
    Extent,
    TextKind,
    action_window,
    check_kind,
    price_window,
    text_window,
    time_on,
)
from finpulse_assets.schemas import TICKERS

# A ticker whose bars end longer before the end of the files than this is no longer listed.
DELISTED_AFTER = timedelta(days=30)
ONE_DAY = timedelta(days=1)

Query = Callable[[pl.LazyFrame], pl.LazyFrame]


class FileTextSource:
    """Tweets and headlines from files.

    Args:
        tweets: a file, a folder or a glob; None for no tweets. A folder with Tweet.csv and
            Company_Tweet.csv is the Kaggle pair.
        headlines: the same for headlines.
        now: the present time (UTC); a time that is still to come is no end of the data.
    """

    name = "files"

    def __init__(
        self,
        *,
        tweets: Path | None = None,
        headlines: Path | None = None,
        now: Now = system_now,
    ) -> None:
        self._paths: dict[TextKind, Path | None] = {"tweets": tweets, "headlines": headlines}
        self._now = now

    def extent(self) -> Extent | None:
        """Return the first and last delivery time of all texts, None where there are none."""
        ends_of = _ends(pl.coalesce("knowledge_time", "event_time"), self._now())
        ends = [
            _read(path, TEXT_SHAPES, kind, lambda texts: texts.select(ends_of))
            for kind, path in self._paths.items()
            if path
        ]
        if not ends:
            return None
        first, last = pl.concat(ends).select(pl.min("first"), pl.max("last")).row(0)
        return Extent(first, last) if first else None

    def texts(self, kind: TextKind, start: datetime, end: datetime) -> pl.DataFrame:
        """Return the texts of the window; see `TextSource.texts`."""
        check_kind(kind)
        window = text_window(start, end)
        path = self._paths[kind]
        if path is None:
            return pl.DataFrame(schema=DELIVERED_TEXTS)
        return _read(path, TEXT_SHAPES, kind, where=window)


class FilePriceSource:
    """Daily bars, corporate actions and companies from files.

    Args:
        prices: a file, a folder or a glob.
        corporate_actions: the same for splits and dividends; None where prices contain them.
        tickers: the same for company and sector of each symbol; None to do without.
        now: the present time (UTC); a session that is still to come is no end of the data.
    """

    name = "files"

    def __init__(
        self,
        *,
        prices: Path,
        corporate_actions: Path | None = None,
        tickers: Path | None = None,
        now: Now = system_now,
    ) -> None:
        self._prices = prices
        self._actions = corporate_actions
        self._tickers = tickers
        self._now = now

    def extent(self) -> Extent | None:
        """Return the open of the first session and the close of the last, None without bars.

        The last is one that has ended and has prices: a bar of today before its close, or a row
        that holds nothing but its day, is no end of the data.
        """
        now = self._now()
        today = now.astimezone(NEW_YORK).date()
        ended = today if time_on(today, "close_at") <= now else today - ONE_DAY
        usable = has_prices() & (pl.col("session_date") <= ended)
        day = pl.col("session_date")
        first, last = day.min().alias("first"), day.max().alias("last")
        ends = self._read_prices(lambda prices: prices.filter(usable).select(first, last))
        first, last = ends.select(pl.min("first"), pl.max("last")).row(0)
        if first is None:
            return None
        return Extent(time_on(first, "open_at"), time_on(last, "close_at"))

    def prices(self, start: datetime, end: datetime) -> pl.DataFrame:
        """Return the bars of the window; see `PriceSource.prices`."""
        window = price_window(start, end)
        return self._read_prices(where=window)

    def corporate_actions(self, start: datetime, end: datetime) -> pl.DataFrame:
        """Return the actions of the window; see `PriceSource.corporate_actions`."""
        window = action_window(start, end)
        if self._actions is None:
            return pl.DataFrame(schema=DELIVERED_ACTIONS)
        return _read(self._actions, ACTION_SHAPES, "corporate actions", where=window)

    def tickers(self) -> pl.DataFrame:
        """Return each ticker of the prices with its span, and its company where a file names it.

        `valid_to` is the last bar of a ticker whose bars end more than 30 days before the files.
        """
        spans = self._read_prices(
            lambda prices: (
                prices.filter(pl.col("ticker").is_not_null())
                .group_by("ticker")
                .agg(_ends(pl.col("session_date"), self._now()))
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
        if self._tickers is None:
            schema = {name: pl.String for name in ("ticker", "company", "sector")}
            return pl.DataFrame(schema=schema)
        companies = _read(self._tickers, SYMBOL_SHAPES, "tickers")
        return companies.drop("problem").unique("ticker", keep="first", maintain_order=True)

    def _read_prices(
        self, query: Query | None = None, *, where: pl.Expr | None = None
    ) -> pl.DataFrame:
        return _read(self._prices, PRICE_SHAPES, "prices", query, where=where)


def _read(
    path: Path,
    shapes: Sequence[Shape],
    what: str,
    query: Query | None = None,
    *,
    where: pl.Expr | None = None,
) -> pl.DataFrame:
    """Return the rows of each file below `path`, one after the other: those that pass `where`.

    Args:
        path: a file, a folder or a glob.
        shapes: the shapes that it may have.
        what: how messages call its rows.
        query: asked of each file instead of its rows.
        where: a filter on delivered columns.

    Raises:
        SourceError: `path` is missing, or a file is unreadable or of no understood shape.
    """
    answers = []
    for table in open_tables(path):
        with reading(table.path):
            shape = recognise(list(table.columns), shapes, path=table.path, what=what)
            rows = deliver(table, shape, where=where)
            answers.append((query(rows) if query else rows).collect())
    return pl.concat(answers)


def _ends(moment: pl.Expr, now: datetime) -> list[pl.Expr]:
    # A day mistyped into the future is a bad row, and no end of the data.
    past = moment.filter(moment <= now)
    return [past.min().alias("first"), past.max().alias("last")]
