"""Rules: why a delivered row is refused, as data, and the rules that several kinds share."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from finpulse_assets.schemas import SYMBOL


@dataclass(frozen=True)
class Rule:
    """A reason to refuse a row: `broken` is true or null on bad rows, `reason` says why."""

    broken: pl.Expr
    reason: pl.Expr


def missing(*names: str) -> list[Rule]:
    """Return the rules that columns hold no null."""
    return [Rule(pl.col(name).is_null(), pl.lit(f"{name} is missing")) for name in names]


def shown(column: str) -> pl.Expr:
    """Return a delivered string fit for a sentence: short, and nothing a terminal would obey."""
    return pl.col(column).str.replace_all(r"\p{C}", "").str.slice(0, 60)


# What the source itself could not read, for example "event_time 'yesterday' is not a time".
UNREADABLE = Rule(pl.col("problem").is_not_null(), pl.col("problem"))
NO_SYMBOL = Rule(
    ~pl.col("ticker").str.contains(SYMBOL),
    pl.format(
        "ticker '{}' is no symbol; write letters, digits and . ^ = & _ / - as in BRK-B or EURUSD=X",
        shown("ticker"),
    ),
)
