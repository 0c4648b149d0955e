"""Bars and actions of one source made sound before they are kept: each refusal names its row."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from finpulse_assets.domain.ingestion.base import rebase
from finpulse_assets.domain.ingestion.fit import LARGEST_MOVE, misfits
from finpulse_assets.domain.ingestion.same_day import finished_bars, payments
from finpulse_assets.domain.ingestion.units import in_units_of_prices

_ACTIONS = {"ticker": pl.String, "ex_date": pl.Date, "kind": pl.String, "value": pl.Float64}
_SERIES = {"ticker": pl.String, "price_basis": pl.String, "based_on": pl.Date}


@dataclass(frozen=True)
class Market:
    """What bars and actions of one source are judged by, beside what is held of their own kind.

    Attributes:
        actions: splits and dividends that the source delivers or has delivered.
        series: price basis of each ticker's prices, and the day of their first download.
        accepted: bars that do not fit and were confirmed: (ticker, day).
        largest_move: see `fit.LARGEST_MOVE`.
    """

    actions: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=_ACTIONS))
    series: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=_SERIES))
    accepted: Collection[tuple[str, date]] = ()
    largest_move: float = LARGEST_MOVE


@dataclass(frozen=True)
class Sound:
    """Rows that may be kept, those that may not (with `problem`), and what was done, in words."""

    rows: pl.DataFrame
    refused: pl.DataFrame
    notes: tuple[str, ...]


def market_of(
    prices: Sequence[pl.LazyFrame], actions: pl.DataFrame, delivered: pl.DataFrame | None
) -> Market:
    """Return what a source's bars and actions are judged by.

    Args:
        prices: the tables of prices with delivered_at, the source's own first: of each ticker the
            first that has it counts. None where bars alone are judged, which need no unit.
        actions: the actions that are held, all versions, those of the source itself first.
        delivered: the actions that it delivers now, None where it gives none.
    """
    newest = actions.sort("knowledge_time").unique(["ticker", "ex_date", "kind"], keep="last")
    known = newest.select(list(_ACTIONS))
    if delivered is not None:
        usable = delivered.filter(pl.col("problem").is_null() & (pl.col("value") > 0))
        known = pl.concat([usable.select(list(_ACTIONS)), known]).unique(
            ["ticker", "ex_date", "kind"], keep="first", maintain_order=True
        )
    series = [pl.DataFrame(schema=_SERIES)] + [
        table.group_by("ticker")
        .agg(
            price_basis=pl.col("price_basis").sort_by("session_date", "knowledge_time").last(),
            based_on=pl.col("delivered_at").min().dt.date(),
        )
        .collect()
        for table in prices
    ]
    return Market(actions=known, series=pl.concat(series).unique("ticker", keep="first"))


def sound_prices(
    good: pl.DataFrame, held: pl.DataFrame, market: Market, sessions: pl.DataFrame
) -> Sound:
    """Return the bars of a delivery, one a day, on the base of what is held, each fitting.

    Args:
        good: bars that keep the rules of a single row, with knowledge_time.
        held: the source's table, all versions, at least of the months of the delivery.
        market: what they are judged by.
        sessions: `schemas.SESSIONS`.
    """
    bars, several, unfinished = finished_bars(good)
    rebased = rebase(bars, held)
    newest = held.sort("knowledge_time").unique(["ticker", "session_date"], keep="last")
    odd = misfits(
        rebased.bars, newest, market.actions, sessions,
        accepted=market.accepted, largest_move=market.largest_move,
    )  # fmt: skip
    judged = rebased.bars.join(
        odd, on=["ticker", "session_date"], how="left", maintain_order="left"
    )
    fitting = judged.filter(pl.col("reason").is_null()).drop("reason")
    refused = judged.filter(pl.col("reason").is_not_null()).rename({"reason": "problem"})
    notes = [rebased.sentence] if rebased.sentence else []
    if unfinished:
        notes.append(f"{unfinished} bars of unfinished days were left out for the finished ones")
    return Sound(fitting, pl.concat([several, refused.select(several.columns)]), tuple(notes))


def sound_actions(good: pl.DataFrame, market: Market) -> Sound:
    """Return the splits and dividends of a delivery, one a day, in the unit of the prices.

    Args:
        good: actions that keep the rules of a single row, with knowledge_time.
        market: what they are judged by.
    """
    actions, refused = payments(good)
    merged = good.unique(maintain_order=True).height - actions.height - refused.height
    splits = pl.concat([market.actions, actions.select(list(_ACTIONS))]).filter(kind="split")
    rows = in_units_of_prices(actions, splits, market.series)
    notes = (f"{merged} dividends were merged with others of their day",) if merged else ()
    return Sound(rows, refused, notes)
