"""The shapes of files of one-minute bars: our own, OANDA's candles, and those of other programs.

Which columns such a file has, what else they may be called, and in which zone its times are.
"""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from finpulse_assets.gateways.sources.files.known_shapes import not_final
from finpulse_assets.gateways.sources.files.shapes import Names, Shape
from finpulse_assets.gateways.sources.files.tables import OpenTable
from finpulse_assets.gateways.sources.minute_source import DELIVERED_BARS_1M
from finpulse_assets.schemas import OHLC

# OANDA's candles: column -> field in it -> our name. A nested quote counts at its close.
NESTED = {
    "mid": {"o": "open", "h": "high", "l": "low", "c": "close"},
    "bid": {"c": "bid"},
    "ask": {"c": "ask"},
}
# Eastern Standard Time all year, without daylight saving; so HistData.com says.
HISTDATA_ZONE = "Etc/GMT+5"

_HISTDATA_TIME = "histdata_time"  # as `csv_files` calls it
_PRICES: dict[str, Names] = {name: (name, name[0]) for name in OHLC}


def _minutes(name: str, basis: str, columns: dict[str, Names], **more: object) -> Shape:
    return Shape(
        name=name,
        schema=DELIVERED_BARS_1M,
        columns={**_PRICES, **columns},
        optional={"ticker": ("symbol", "instrument", "T")},
        defaults={"source": pl.lit("files"), "price_basis": pl.lit(basis)},
        extras={"complete": pl.Boolean},
        finish=not_final,
        named_after_ticker=True,
        **more,
    )


MINUTE_SHAPES = (
    _minutes(
        "minute bars, bar_at also as time or timestamp, prices also as o, h, l, c",
        "unadjusted",
        {"bar_at": ("bar_at", "time", "timestamp", "datetime"), "volume": "volume"},
    ),
    _minutes(
        "minute bars of HistData.com",
        "unadjusted",
        {"bar_at": _HISTDATA_TIME, "volume": ("volume", "tickvol")},
        zone=HISTDATA_ZONE,
    ),
    # The time of the broker's server, which no file says.
    _minutes(
        "minute bars of MetaTrader",
        "unadjusted",
        {"bar_at": "bar_at", "volume": "tickvol"},
        asks_zone=True,
    ),
    _minutes("minute aggregates of Polygon", "split_adjusted", {"bar_at": "t", "volume": "v"}),
)


def in_our_spelling(table: OpenTable) -> OpenTable:
    """Return `table` with nested columns, and a day and a time apart, under our own names."""
    frame, found = table.frame, table.columns
    if "mid" in found:
        frame = frame.with_columns(_unnested(found)).drop("mid")
    spelt = {name.strip("<>").lower(): name for name in found}
    if {"date", "time"} <= spelt.keys() and "bar_at" not in found:
        is_histdata = table.path.stem.upper().startswith("DAT_")
        joined = _joined(spelt["date"], spelt["time"])
        frame = frame.with_columns(joined.alias(_HISTDATA_TIME if is_histdata else "bar_at"))
        frame = frame.drop(spelt["date"], spelt["time"])
    return replace(table, frame=frame)


def _joined(day: str, time: str) -> pl.Expr:
    """Return a day and a time of day as one text; a time that has its day stands alone."""
    days = pl.col(day).cast(pl.String).str.strip_chars()
    times = pl.col(time).cast(pl.String).str.strip_chars()
    padded = pl.when(times.str.len_chars() > 4).then(times.str.zfill(6)).otherwise(times)
    digits = padded.str.replace(r"^(\d{2})(\d{2})(\d{2})?$", "$1:$2:$3").str.strip_chars_end(":")
    clock = pl.when(times.str.contains(r"^\d+$")).then(digits).otherwise(times)
    iso = days.str.replace(r"^(\d{4})[./]?(\d{2})[./]?(\d{2})$", "$1-$2-$3")
    has_no_day = clock.str.contains(r"^\d{1,2}:\d{2}")
    return pl.when(has_no_day).then(pl.concat_str(iso, clock, separator=" ")).otherwise(times)


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
