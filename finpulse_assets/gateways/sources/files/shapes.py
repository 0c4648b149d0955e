"""The shapes of data files that are understood: which columns they have and what each one means.

One `Shape` a known layout, as data, how a file's layout is recognised, and how its rows become
delivered rows. A new data set is a new entry here and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from finpulse_assets.errors import SourceError
from finpulse_assets.gateways.sources.files.cells import join_problems, read_cell
from finpulse_assets.gateways.sources.files.formats import ROW_PROBLEM, OpenTable
from finpulse_assets.gateways.sources.protocols import (
    DELIVERED_ACTIONS,
    DELIVERED_PRICES,
    DELIVERED_TEXTS,
    Schema,
)

# Before the file's own names while both are in one frame: "open" as text, and "open" as a number.
_RAW = "raw:"

PRICE_NAMES = ("open", "high", "low", "close")


@dataclass(frozen=True)
class Shape:
    """One layout of a file.

    Args:
        name: how messages call it.
        schema: the delivered columns.
        columns: delivered column -> the file's column. A file of this shape has them all.
        optional: more of these, each used where the file has it.
        defaults: delivered column -> value where the file has none.
        extras: columns that only `finish` needs, with the dtype to read them as.
        finish: the last step, on rows that are read already.
    """

    name: str
    schema: Schema
    columns: Mapping[str, str]
    optional: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, pl.Expr] = field(default_factory=dict)
    extras: Schema = field(default_factory=dict)
    finish: Callable[[pl.LazyFrame], pl.LazyFrame] = lambda frame: frame

    @property
    def needed(self) -> list[str]:
        return [*self.columns.values(), *self.extras]


def recognise(found: Sequence[str], shapes: Sequence[Shape], *, path: Path, what: str) -> Shape:
    """Return the first of `shapes` whose columns are all among `found`.

    Raises:
        SourceError: there is none; it lists what was found and what is understood.
    """
    for shape in shapes:
        if set(shape.needed) <= set(found):
            return shape
    nearest = max(shapes, key=lambda shape: len(set(shape.needed) & set(found)))
    lacking = [name for name in nearest.needed if name not in found]
    understood = "; ".join(f"{shape.name} ({', '.join(shape.needed)})" for shape in shapes)
    raise SourceError(
        f"{path} has the columns {', '.join(found) or '(none)'}, no shape of {what} has them; "
        f"nearest is {nearest.name}, it lacks {', '.join(lacking)}",
        hint=f"rename columns to one of: {understood}",
    )


def deliver(table: OpenTable, shape: Shape, *, where: pl.Expr | None = None) -> pl.LazyFrame:
    """Return the rows of `table`, lazily, in the columns of `shape.schema`.

    Args:
        table: a file whose columns `shape` was recognised by.
        shape: how to read it.
        where: a filter on delivered columns. What it needs is read first, so that only the rows
            that pass cost more than that.
    """
    found = table.columns
    present = {n: column for n, column in shape.optional.items() if column in found}
    columns = {**shape.columns, **present, **{name: name for name in shape.extras}}
    wanted = {n: dtype for n, dtype in {**shape.schema, **shape.extras}.items() if n != "problem"}
    cells = {n: read_cell(n, _RAW + c, found[c], wanted[n]) for n, c in columns.items()}
    values = {
        n: cells[n].value if n in cells else pl.lit(None, dtype).alias(n)
        for n, dtype in wanted.items()
    }
    problems = [pl.col(_RAW + ROW_PROBLEM), *(cell.problem for cell in cells.values())]
    if table.is_decoded:
        problems += [_lossy(n, columns[n]) for n in cells if wanted[n] == pl.String]

    frame = table.frame.rename({name: _RAW + name for name in [*found, ROW_PROBLEM]})
    if where is not None:
        early = sorted(set(where.meta.root_names()))
        frame = frame.with_columns(values[n] for n in early).filter(where)
        values |= {n: pl.col(n) for n in early}
    return (
        frame.select(*values.values(), join_problems(*problems))
        .with_columns(pl.coalesce(n, default).alias(n) for n, default in shape.defaults.items())
        .pipe(shape.finish)
        .select(list(shape.schema))
    )


def _lossy(name: str, column: str) -> pl.Expr:
    """Say so where a byte was no UTF-8: to score a mangled text would be a silent mistake."""
    is_lossy = pl.col(_RAW + column).str.contains("\ufffd", literal=True)
    return pl.when(is_lossy).then(pl.lit(f"{name} has bytes that are not UTF-8"))


def _as_total_return(frame: pl.LazyFrame) -> pl.LazyFrame:
    """Scale whole bars by adj_close / close: splits and dividends are in them from then on."""
    lacks = pl.col("close").is_not_null() & pl.col("adj_close").is_null()
    missing = pl.when(lacks).then(pl.lit("adj_close is missing, the bar cannot be adjusted"))
    factor = pl.col("adj_close") / pl.col("close")
    return frame.with_columns(
        *(pl.col(name) * factor for name in PRICE_NAMES),
        join_problems(pl.col("problem"), missing),
    )


def _same(*names: str) -> dict[str, str]:
    return {name: name for name in names}


_IS_RETWEET = pl.col("text").str.starts_with("RT @")

TEXT_SHAPES = (
    Shape(
        name="documented texts",
        schema=DELIVERED_TEXTS,
        columns=_same("text_id", "ticker", "event_time", "text"),
        optional=_same(
            "knowledge_time", "author", "is_retweet", "retweet_count", "like_count", "source"
        ),
        defaults={"source": pl.lit("files"), "is_retweet": _IS_RETWEET},
    ),
    # Likes and retweets of the tweet itself are all 0 there, it was captured when it was posted;
    # the counts are those of the retweeted original at that time.
    Shape(
        name="StockNet tweets",
        schema=DELIVERED_TEXTS,
        columns={
            "text_id": "tweet_id",
            "ticker": "symbol",
            "event_time": "created_at",
            "text": "text",
        },
        optional={
            "author": "user",
            "is_retweet": "is_retweet",
            "retweet_count": "rt_retweets",
            "like_count": "rt_likes",
        },
        defaults={"source": pl.lit("stocknet"), "is_retweet": _IS_RETWEET},
    ),
    Shape(
        name="Kaggle tweets with their ticker",
        schema=DELIVERED_TEXTS,
        columns={
            "text_id": "tweet_id",
            "ticker": "ticker_symbol",
            "event_time": "post_date",
            "text": "body",
        },
        optional={"author": "writer", "retweet_count": "retweet_num", "like_count": "like_num"},
        defaults={"source": pl.lit("kaggle"), "is_retweet": _IS_RETWEET},
    ),
)

_DAILY_BARS = {
    "ticker": "symbol",
    "session_date": "date",
    **_same(*PRICE_NAMES),
    "volume_shares": "volume",
}

PRICE_SHAPES = (
    Shape(
        name="documented prices",
        schema=DELIVERED_PRICES,
        columns=_same("ticker", "session_date", *PRICE_NAMES, "volume_shares"),
        optional=_same("knowledge_time", "price_basis", "source"),
        defaults={"source": pl.lit("files"), "price_basis": pl.lit("unadjusted")},
    ),
    # Before the shape without adj_close, which such a file has as well.
    Shape(
        name="StockNet prices",
        schema=DELIVERED_PRICES,
        columns=_DAILY_BARS,
        extras={"adj_close": pl.Float64},
        defaults={"source": pl.lit("stocknet"), "price_basis": pl.lit("total_return")},
        finish=_as_total_return,
    ),
    Shape(
        name="S&P 500 daily prices",
        schema=DELIVERED_PRICES,
        columns=_DAILY_BARS,
        defaults={"source": pl.lit("sp500"), "price_basis": pl.lit("split_adjusted")},
    ),
)

ACTION_SHAPES = (
    Shape(
        name="documented corporate actions",
        schema=DELIVERED_ACTIONS,
        columns=_same("ticker", "ex_date", "kind", "value"),
        optional=_same("knowledge_time", "source"),
        defaults={"source": pl.lit("files")},
    ),
)

_COMPANIES: Schema = {
    "ticker": pl.String,
    "company": pl.String,
    "sector": pl.String,
    "problem": pl.String,
}

SYMBOL_SHAPES = (
    Shape(
        name="documented tickers",
        schema=_COMPANIES,
        columns=_same("ticker"),
        optional=_same("company", "sector"),
    ),
    Shape(
        name="symbols",
        schema=_COMPANIES,
        columns={"ticker": "symbol"},
        optional=_same("company", "sector"),
    ),
)
