"""Whether a bar fits its series: against the bar before it, and the splits and dividends between.

A price that is off by a whole factor (a split that nobody listed, pence for pounds, a digit too
many) is no return. It is refused by name, so that it reaches no feature, the market's mean
included.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from finpulse_assets.domain.features.adjustment import MAX_GAP_SESSIONS

# Of 554,630 real bars (S&P 500 and StockNet, 2012 to 2018) six lie wholly beyond this factor of the
# close before them, and each of the six is a spin-off, a share dividend or a split that the source
# did not list. The largest real move is 1.52.
LARGEST_MOVE = 1.75

_BAR = ("ticker", "session_date", "high", "low", "close", "price_basis")


def misfits(
    delivered: pl.DataFrame,
    held: pl.DataFrame,
    actions: pl.DataFrame,
    sessions: pl.DataFrame,
    *,
    accepted: Collection[tuple[str, date]] = (),
    largest_move: float = LARGEST_MOVE,
) -> pl.DataFrame:
    """Return the delivered bars that do not fit their series, each with its reason.

    A bar fits where its range, from low to high, reaches within a factor of `largest_move` of the
    last close that fits, after the splits and dividends between the two. Bars across a hole of more
    than MAX_GAP_SESSIONS sessions, or on another price basis, are not compared: no return is taken
    there either. So a series that stays on another level goes on there after that many refused
    bars, as after a halt. Of a series of which nothing is held, the longest part that fits counts.

    Args:
        delivered: good bars of one source: ticker, session_date, high, low, close, price_basis.
        held: those that the source's table holds, in the same columns; they fit.
        actions: ticker, ex_date, kind, value, as the source's prices count them.
        sessions: `schemas.SESSIONS`.
        accepted: bars that somebody has looked into and that are to be taken as they are.
        largest_move: a factor above 1.

    Returns:
        ticker, session_date, reason.
    """
    index = dict(sessions.select("session_date", "session_index").iter_rows())
    bars = _joined(delivered, held)
    suspects = _suspects(bars, actions, largest_move)
    found = []
    for ticker in suspects:
        rows = bars.filter(ticker=ticker).sort("session_date").rows(named=True)
        own = actions.filter(ticker=ticker).sort("ex_date").rows(named=True)
        taken = {day for symbol, day in accepted if symbol == ticker}
        found += _walk(_Series(rows, own, index, taken, largest_move))
    schema = {"ticker": pl.String, "session_date": pl.Date, "reason": pl.String}
    return pl.DataFrame(found, schema=schema, orient="row")


def _joined(delivered: pl.DataFrame, held: pl.DataFrame) -> pl.DataFrame:
    """Return one bar a ticker and session; what is delivered stands for what was held."""
    new = delivered.select(*_BAR, is_held=pl.lit(False))
    old = held.select(*_BAR, is_held=pl.lit(True)).filter(
        pl.col("ticker").is_in(new["ticker"].unique().implode())
    )
    key = ["ticker", "session_date"]
    return pl.concat([new, old]).unique(key, keep="first", maintain_order=True)


def _suspects(bars: pl.DataFrame, actions: pl.DataFrame, largest_move: float) -> list[str]:
    """Return the tickers that need a closer look: with a jump, or with any action."""
    before = pl.col("close").shift().over("ticker", order_by="session_date")
    jumps = (pl.col("low") > before * largest_move) | (pl.col("high") * largest_move < before)
    jumping = bars.filter(jumps)["ticker"]
    split = actions.filter(kind="split")["ticker"]
    return sorted({*jumping, *(set(split) & set(bars["ticker"]))})


@dataclass(frozen=True)
class _Series:
    """The bars of one ticker, ascending, and what happened to its shares."""

    bars: list[dict[str, Any]]
    actions: list[dict[str, Any]]
    index: dict[date, int]
    accepted: set[date]
    largest_move: float

    def reason(self, before: dict[str, Any], bar: dict[str, Any]) -> str | None:
        """Return why a bar does not fit the one before it, None where it does."""
        day, since = bar["session_date"], before["session_date"]
        gap = self.index.get(day, 0) - self.index.get(since, 0)
        if gap > MAX_GAP_SESSIONS + 1 or bar["price_basis"] != before["price_basis"]:
            return None
        expected, split = self._expected(before, bar)
        listed = f"the listed split of {split:g}" if split != 1 else "no split is listed"
        shown = f"{bar['low']:g} to {bar['high']:g}"
        if bar["low"] > expected * self.largest_move:
            times = f"{bar['low'] / expected:.3g} times"
        elif bar["high"] * self.largest_move < expected:
            times = f"1/{expected / bar['high']:.3g} of"
        else:
            return None
        return (
            f"the prices {shown} lie at {times} the close before, {before['close']:g} on {since}, "
            f"and {listed}"
        )

    def _expected(self, before: dict[str, Any], bar: dict[str, Any]) -> tuple[float, float]:
        """Return the close before a bar in the bar's shares, and the splits between the two."""
        expected, split = before["close"], 1.0
        for action in self.actions:
            if not before["session_date"] < action["ex_date"] <= bar["session_date"]:
                continue
            if action["kind"] == "split" and bar["price_basis"] == "unadjusted":
                expected, split = expected / action["value"], split * action["value"]
            elif action["kind"] == "dividend" and bar["price_basis"] != "total_return":
                expected = max(expected - action["value"], expected / self.largest_move)
        return expected, split


def _walk(series: _Series) -> Iterator[tuple[str, date, str]]:
    """Yield the bars that do not fit, going both ways from where the series is held to be right."""
    start = _start(series)
    for way in (range(start + 1, len(series.bars)), range(start - 1, -1, -1)):
        last = series.bars[start]
        for at in way:
            bar, day = series.bars[at], series.bars[at]["session_date"]
            pair = (last, bar) if at > start else (bar, last)
            reason = None if bar["is_held"] or day in series.accepted else series.reason(*pair)
            if reason:
                yield bar["ticker"], day, reason
            else:
                last = bar


def _start(series: _Series) -> int:
    """Return the first held bar, or the first bar of the longest part whose bars fit each other."""
    held = [at for at, bar in enumerate(series.bars) if bar["is_held"]]
    if held:
        return held[0]
    begins = [0]
    for at in range(1, len(series.bars)):
        if series.reason(series.bars[at - 1], series.bars[at]):
            begins.append(at)
    lengths = zip(begins, [*begins[1:], len(series.bars)], strict=True)
    return max(lengths, key=lambda part: part[1] - part[0])[0]
