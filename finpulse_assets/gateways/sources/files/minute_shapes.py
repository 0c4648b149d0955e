"""The shapes of files of one-minute bars: our own, OANDA's candles, and other spellings of them.

Which columns such a file has and what else they may be called.
"""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from finpulse_assets.gateways.sources.files.formats import OpenTable
from finpulse_assets.gateways.sources.files.shapes import PRICE_NAMES, Shape
from finpulse_assets.gateways.sources.minute_source import DELIVERED_BARS_1M

# Our name -> other names of the same column, the first that a file has counts.
SPELLINGS = {
    "ticker": ("symbol", "instrument"),
    "bar_at": ("time", "timestamp"),
    "open": ("o",),
    "high": ("h",),
    "low": ("l",),
    "close": ("c",),
}
# OANDA's candles: column -> field in it -> our name. A nested quote counts at its close.
NESTED = {
    "mid": {"o": "open", "h": "high", "l": "low", "c": "close"},
    "bid": {"c": "bid"},
    "ask": {"c": "ask"},
}

_OPTIONAL = ("ticker", "bid", "ask", "bid_size", "ask_size", "price_basis", "source")

MINUTE_SHAPES = (
    Shape(
        name="minute bars, bar_at also as time or timestamp, prices also as o, h, l, c",
        schema=DELIVERED_BARS_1M,
        columns={name: name for name in ("bar_at", *PRICE_NAMES, "volume")},
        optional={name: name for name in _OPTIONAL},
        defaults={"source": pl.lit("files"), "price_basis": pl.lit("unadjusted")},
    ),
)


def in_our_spelling(table: OpenTable) -> OpenTable:
    """Return `table` with columns that are known by another name, or nested, under our own name."""
    frame = table.frame
    if "mid" in table.columns:
        frame = frame.with_columns(_unnested(table.columns))
    found = replace(table, frame=frame).columns
    renamed = {}
    for ours, others in SPELLINGS.items():
        theirs = next((name for name in others if name in found), None)
        if ours not in found and theirs is not None:
            renamed[theirs] = ours
    return replace(table, frame=frame.rename(renamed))


def _unnested(found: dict[str, pl.DataType]) -> list[pl.Expr]:
    values = []
    for column, fields in NESTED.items():
        dtype = found.get(column)
        for inner, ours in fields.items():
            if isinstance(dtype, pl.Struct) and inner in [field.name for field in dtype.fields]:
                values.append(pl.col(column).struct.field(inner).alias(ours))
            elif dtype == pl.String:  # JSON within JSON; a quote may as well be a plain number
                nested = pl.col(column).str.json_path_match(f"$.{inner}")
                plain = pl.col(column) if ours == column else None
                values.append(pl.coalesce(nested, plain).alias(ours))
    return values
