"""Simulated minute bars: each day of the walk by the minute, with quotes.

How a daily bar is spread over its minutes. The minutes of a day add up to its bar: first open, last
close, highest high, lowest low and the sum of volumes are those of the day, to the cent and the
share.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from finpulse_assets.domain.simulator.companies import company
from finpulse_assets.domain.simulator.days import MICROSECONDS, Day, days_since_epoch
from finpulse_assets.domain.simulator.plan import MarketPlan, Stream, generator
from finpulse_assets.domain.simulator.walk import PriceWalk, Step
from finpulse_assets.errors import SettingError
from finpulse_assets.schemas import BARS_1M, OHLC, UTC

_MINUTE = 60 * MICROSECONDS
_WICK = 0.5  # deviations of a minute by which it overshoots its open and close
# An excursion past the day's open and close is stretched to the day's range by no more than this;
# what is then still lacking is one long wick.
_MOST_STRETCH = 3.0
_EDGE_VOLUME = 3.0  # how much more is traded at the open and the close than at noon
_SHARES_A_TRADE = 80.0
_ALWAYS_MISSING = 0.002
_SPREAD_SHARE = 1.5e-4  # of the price, beyond the one cent of every spread
_LOT = 100.0
_PRICES = (*OHLC, "bid", "ask")


@dataclass(frozen=True)
class _Bars:
    """The bars of one session, one value each; prices in whole cents."""

    ordinal: np.ndarray
    bar_at: np.ndarray
    open: np.ndarray
    high: np.ndarray
    low: np.ndarray
    close: np.ndarray
    volume: np.ndarray
    bid: np.ndarray
    ask: np.ndarray
    bid_size: np.ndarray
    ask_size: np.ndarray


def simulate_minutes(plan: MarketPlan, sessions: pl.DataFrame, *, last: int) -> pl.DataFrame:
    """Return minute bars of the market that `simulate` makes, for the end of it.

    Every session has random numbers of its own: simulated to a later end, a session that is in
    both has the same bars, to the byte.

    Args:
        plan: the plan of the market.
        sessions: `schemas.SESSIONS` from 2018-01-02 or earlier up to the last one wanted.
        last: how many sessions, counted back from the last; at most those of the plan.

    Returns:
        `schemas.BARS_1M`, ascending by ticker and minute. Half-days have 210 minutes; a minute in
        which nobody traded has no bar.

    Raises:
        SettingError: `last` is negative.
        SourceError: the sessions begin after 2018-01-02, or are fewer than the plan asks for.
        SchemaError: the frame is no `schemas.SESSIONS`.
    """
    if last < 0:
        raise SettingError(f"last is {last}, it should be a number of sessions from 0 on")
    days = days_since_epoch(sessions, needed=plan.session_count)
    first = len(days) - min(last, plan.session_count)
    if first == len(days):
        return BARS_1M.empty()
    walk = PriceWalk(plan)
    steps = [walk.step(day.number) for day in days][first:]
    made = [_bars_of(plan, day, step) for day, step in zip(days[first:], steps, strict=True)]
    return _frame(plan, days[first:], made)


def _bars_of(plan: MarketPlan, day: Day, step: Step) -> _Bars:
    """Return the minute bars of everyone who trades in a session."""
    count = (day.close_us - day.open_us) // _MINUTE
    shape, who = (plan.ticker_count, count), step.is_trading
    random = generator(plan.seed, Stream.MINUTES, day.number)
    # Drawn for every seat, traded or not, so that the numbers of one never hang on another.
    normal = random.standard_normal((5, *shape))[:, who]
    uniform = random.random((2, *shape))[:, who]
    sizes = random.geometric(0.2, (2, *shape))[:, who] * _LOT
    opening, high, low, closing = (np.rint(getattr(step, name)[who, None] * 100) for name in OHLC)
    sigma = step.idio_sigma[who, None] / np.sqrt(count)

    path = _path(normal[0] * sigma, opening, high, low, closing)
    opens, closes = path[:, :-1], path[:, 1:]
    wicks = np.rint(_WICK * sigma * closes * np.abs(normal[1:3]))
    highs = np.minimum(np.maximum(opens, closes) + wicks[0], high)
    lows = np.maximum(np.minimum(opens, closes) - wicks[1], low)

    volume = step.volume_shares[who, None].astype(np.float64)
    usual = _usual_shares(count)
    is_traded = uniform[0] > _ALWAYS_MISSING + np.exp(-volume * usual / _SHARES_A_TRADE)
    is_traded[:, [0, -1]] = True  # the auctions
    each = np.arange(len(highs))
    highs[each, np.argmax(np.where(is_traded, highs, -np.inf), axis=1)] = high[:, 0]
    lows[each, np.argmin(np.where(is_traded, lows, np.inf), axis=1)] = low[:, 0]
    volumes = _spread_over(volume, usual * np.exp(0.6 * normal[3]) * is_traded)

    spread = 1 + np.floor(_SPREAD_SHARE * closes * np.exp(0.5 * normal[4]))
    bid = closes - np.floor(uniform[1] * (spread + 1))
    bar_at = np.broadcast_to(day.open_us + _MINUTE * np.arange(count), closes.shape)
    ordinal = np.broadcast_to(step.ordinal[who, None], closes.shape)
    values = (ordinal, bar_at, opens, highs, lows, closes, volumes, bid, bid + spread, *sizes)
    return _Bars(*(value[is_traded] for value in values))


def _path(
    shocks: np.ndarray,
    opening: np.ndarray,
    high: np.ndarray,
    low: np.ndarray,
    closing: np.ndarray,
) -> np.ndarray:
    """Return the price at every edge of a minute: a Brownian bridge within the day's range."""
    walked = np.concatenate([np.zeros_like(opening), np.cumsum(shocks, axis=1)], axis=1)
    passed = np.linspace(0.0, 1.0, walked.shape[1])
    bridge = walked - passed * walked[:, -1:]
    path = (opening + (closing - opening) * passed) * np.exp(bridge)
    top, bottom = np.maximum(opening, closing), np.minimum(opening, closing)
    above, below = np.maximum(path - top, 0.0), np.maximum(bottom - path, 0.0)
    path = np.clip(path, bottom, top) + _stretched(above, high - top)
    return np.clip(np.rint(path - _stretched(below, bottom - low)), low, high)


def _stretched(excursion: np.ndarray, reach: np.ndarray) -> np.ndarray:
    """Return excursions whose peak is `reach`, or nearer where that would tear them."""
    peak = excursion.max(axis=1, keepdims=True)
    factor = np.divide(reach, peak, out=np.zeros_like(reach), where=peak > 0)
    return excursion * np.minimum(factor, _MOST_STRETCH)


def _usual_shares(count: int) -> np.ndarray:
    """Return the usual share of each minute in a day's volume: much at both ends."""
    middle = (np.arange(count) + 0.5) / count * 2 - 1
    weight = 1 + (_EDGE_VOLUME - 1) * middle**4
    return weight / weight.sum()


def _spread_over(volume: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return whole shares by minute that add up to the day's volume exactly."""
    passed = np.cumsum(weight, axis=1)
    traded = np.floor(volume * (passed / passed[:, -1:]))
    return np.diff(traded, axis=1, prepend=0.0)


def _frame(plan: MarketPlan, days: Sequence[Day], made: Sequence[_Bars]) -> pl.DataFrame:
    names = list(vars(made[0]))
    columns = {name: np.concatenate([getattr(bars, name) for bars in made]) for name in names}
    # By NumPy: polars multiplies by 0.01 instead, which is not the cent that the daily bar has.
    columns |= {name: columns[name] / 100 for name in _PRICES}
    lengths = pl.Series([len(bars.bar_at) for bars in made])
    dates = pl.DataFrame({"day": [day.session_date for day in days]})
    ordinals = np.unique(columns["ordinal"])
    tickers = pl.Series([company(plan.seed, int(ordinal)).ticker for ordinal in ordinals])
    bar_at = pl.from_epoch("bar_at", time_unit="us").cast(UTC)
    return (
        pl.DataFrame(columns)
        .with_columns(
            ticker=tickers.gather(np.searchsorted(ordinals, columns["ordinal"])),
            session_date=dates.select(pl.col("day").repeat_by(lengths).explode())["day"],
            bar_at=bar_at,
            known_at=bar_at + pl.duration(minutes=1),
            price_basis=pl.lit("unadjusted"),
            source=pl.lit("simulator"),
        )
        .select(BARS_1M.column_names)
        .sort(BARS_1M.key)
    )
