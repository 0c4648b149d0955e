"""Days and times as files write them: ISO, digits, epochs, Twitter's form, days with slashes.

A form that can be read in two ways is read as `Notation` says, and in no way where nobody said.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from finpulse_assets.domain.calendar import NEW_YORK
from finpulse_assets.schemas import UTC

DType = pl.DataType | type[pl.DataType]

DAY_ORDERS = {"mdy": "${3}-${1}-${2}", "dmy": "${3}-${2}-${1}"}
# 05/02/2024: which number is the month is a matter of the country.
ORDERED_DAY = r"^(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})"

_DAY_MICROS = 86_400_000_000
# 1990 to 2100: what lies outside is a number, and no time at which anything was written or traded.
_EPOCHS = (631_152_000_000_000, 4_102_444_800_000_000)
_ISO_MIDNIGHT = r"[T ]00:?00(?::?00(?:\.0+)?)?\s*(?:Z|UTC|[+-]\d{2}:?\d{2})?(?: \d{4})?$"
_DIGITS = r"^(\d{8,19})(?:\.0+)?$"


@dataclass(frozen=True)
class Notation:
    """How a file writes what can be read in two ways.

    Args:
        day_order: mdy or dmy, of days such as 05/02/2024; None where nobody said.
        zone: IANA name of the zone in which times without one are; None where nobody said, and
            then they are read as UTC.
        has_thousands: whether a comma parts thousands; else it may be a decimal one.
    """

    day_order: str | None = None
    zone: str | None = None
    has_thousands: bool = True


def read_day(raw: pl.Expr, found: DType, notation: Notation) -> pl.Expr:
    """Return the days of a column; of a moment, the day in New York.

    >>> raw = pl.DataFrame({"day": ["2024-05-02", "20240502", "05/02/2024", "1714622400000"]})
    >>> raw.select(read_day(pl.col("day"), pl.String, Notation("mdy"))).to_series().unique()[0]
    datetime.date(2024, 5, 2)
    """
    if found == pl.Date:
        return raw
    if found == pl.Datetime:
        return raw.dt.date()  # in the column's own zone: midnight in New York stays on its day
    if not (found == pl.String or found.is_integer()):
        return pl.lit(None, pl.Date)
    text = raw.cast(pl.String).str.strip_chars()
    ordered = _in_order(text, notation).str.replace(r"^(\d{4})[./](\d{2})[./](\d{2})", "$1-$2-$3")
    written = ordered.str.extract(r"^(\d{4}-\d{1,2}-\d{1,2})(?:[T ]\d{1,2}:.*)?$")
    digits = text.str.extract(r"^((?:19|20)\d{6})$")
    at = _epoch(_digits(text))
    # Midnight of UTC is how a bare day becomes a number; any other moment is of a market's day.
    is_midnight = at.dt.truncate("1d") == at
    local = at.dt.convert_time_zone(str(NEW_YORK)).dt.date()
    return pl.coalesce(
        written.str.to_date("%Y-%m-%d", strict=False),
        digits.str.to_date("%Y%m%d", strict=False),
        pl.when(is_midnight).then(at.dt.date()).otherwise(local),
    )


def read_time(raw: pl.Expr, found: DType, notation: Notation) -> pl.Expr:
    """Return the times of a column in UTC; one without a zone is in the zone of `notation`."""
    if found == pl.Datetime:
        zone = getattr(found, "time_zone", None)
        return raw.dt.convert_time_zone("UTC").cast(UTC) if zone else _in_zone(raw, notation.zone)
    if found.is_numeric():
        text = raw.cast(pl.Int64, strict=False).cast(pl.String)
    elif found == pl.String:
        text = raw.str.strip_chars()
    else:
        return pl.lit(None, UTC)  # a bare day among them: its hour decides what was known when
    return pl.coalesce(_written_time(text, notation), _epoch(_digits(text)))


def is_midnight(raw: pl.Expr, found: DType, value: pl.Expr) -> pl.Expr:
    """Return whether a time is a midnight: as it is written, or in New York.

    Args:
        raw: the column of the file.
        found: its dtype.
        value: the same column as `read_time` returns it.
    """
    local = value.dt.convert_time_zone(str(NEW_YORK))
    in_new_york = local.dt.truncate("1d") == local
    if found == pl.Datetime:
        return (raw.dt.truncate("1d") == raw) | in_new_york
    if found == pl.String:
        text = raw.str.strip_chars()
        shown = text.str.contains(_ISO_MIDNIGHT) | text.str.contains(r" 00:00:00 \S+ \d{4}$")
        is_number = text.str.contains(_DIGITS)
    else:
        shown, is_number = pl.lit(False), pl.lit(True)
    return shown | (is_number & (value.dt.epoch("us") % _DAY_MICROS == 0)) | in_new_york


def is_zoneless(text: pl.Expr) -> pl.Expr:
    """Return whether a text is a time of day that names no zone: neither an offset nor UTC."""
    written = _written_digits(text.str.strip_chars())
    has_zone = written.str.contains(r"(?:Z|UTC|:.*[+-]\d{2}:?\d{2}(?: \d{4})?)$")
    return written.str.contains(r"\d:\d{2}") & ~has_zone


def _in_zone(naive: pl.Expr, zone: str | None) -> pl.Expr:
    local = naive.dt.replace_time_zone(zone or "UTC", ambiguous="earliest", non_existent="null")
    return local.dt.convert_time_zone("UTC").cast(UTC, strict=False)


def _in_order(text: pl.Expr, notation: Notation) -> pl.Expr:
    form = DAY_ORDERS.get(notation.day_order or "")
    return text.str.replace(ORDERED_DAY, form) if form else text


def _written_digits(text: pl.Expr) -> pl.Expr:
    """Return 20240501150000 and 202405011500 as ISO; an epoch of as many digits is before 1990."""
    day = r"^((?:199|20\d)\d)(\d{2})(\d{2})[T ]?"
    return text.str.replace(day + r"(\d{2})(\d{2})(\d{2})(Z?)$", "$1-$2-$3 $4:$5:$6$7").str.replace(
        day + r"(\d{2})(\d{2})(Z?)$", "$1-$2-$3 $4:$5$6"
    )


def _written_time(text: pl.Expr, notation: Notation) -> pl.Expr:
    """Read ISO 8601, its digits alone, and the form of Twitter's API."""
    text = (
        _in_order(_written_digits(text), notation)
        .str.replace(r"^[A-Z][a-z]{2} ([A-Z][a-z]{2}) (\d{2}) (\S+) (\S+) (\d{4})$",
                         "${5}-${1}-${2} ${3}${4}")
        .str.replace(r"^(\d{4})[./](\d{2})[./](\d{2}) ", "$1-$2-$3 ")
        .str.replace(r"^(\S{10})T", "${1} ")
        .str.replace(r"\s?(?:Z|UTC)$", "+00:00")
        .str.replace(r"(:[\d.]+)([+-]\d{2})$", "${1}${2}:00")
    )  # fmt: skip
    zoned = (
        text.str.to_datetime(form, time_unit="us", strict=False).dt.convert_time_zone("UTC")
        for form in ("%Y-%m-%d %H:%M:%S%.f%z", "%Y-%m-%d %H:%M%z", "%Y-%b-%d %H:%M:%S%z")
    )
    naive = (
        _in_zone(text.str.to_datetime(form, time_unit="us", strict=False), notation.zone)
        for form in ("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%b-%d %H:%M:%S")
    )
    return pl.coalesce(*zoned, *naive)


def _digits(text: pl.Expr) -> pl.Expr:
    return text.str.extract(_DIGITS).cast(pl.Int64, strict=False)


def _epoch(number: pl.Expr) -> pl.Expr:
    """Read seconds, milli-, micro- or nanoseconds since 1970, told apart by their size."""
    micros = (
        pl.when(number < 10**11).then(number * 1_000_000)
        .when(number < 10**14).then(number * 1_000)
        .when(number < 10**17).then(number)
        .otherwise(number // 1_000)
    )  # fmt: skip
    return pl.when(micros.is_between(*_EPOCHS, closed="left")).then(micros.cast(UTC))
