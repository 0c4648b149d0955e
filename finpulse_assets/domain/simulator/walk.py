"""The price walk: how every company's price, volume and opinion go from session to session.

The random process itself, one session at a time from the epoch on.

A log return is market factor x beta + sector factor + own shock, overnight and intraday apart. The
expected intraday return is nought, so neither "always up" nor momentum has an edge; the drift of
stocks is overnight. An opinion is drawn anew each session and moves the next session's intraday
return alone: nothing but texts can carry it. Two effects can be planted: an opinion moves its own
company, and the mean of all opinions moves all companies alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from finpulse_assets.domain.simulator.companies import (
    SECTORS,
    Company,
    Stay,
    company,
    stay_at,
)
from finpulse_assets.domain.simulator.plan import MarketPlan, Regime, Stream, generator

_MARKET_INTRADAY, _MARKET_OVERNIGHT, _SECTOR_INTRADAY = 0.0055, 0.0035, 0.003
_OVERNIGHT_DRIFT = 0.0007  # a bull market, so that splits happen
# GARCH(1,1) with mean 1: heat = base + heat x (keep + react x shock^2).
_HEAT_BASE, _HEAT_KEEP, _HEAT_REACT = 0.04, 0.82, 0.14
_HEAT_RANGE = (0.3, 8.0)
_ACTIVITY_KEEP, _ACTIVITY_NOISE = 0.75, 0.25
_HALT_CHANCE, _LONGEST_HALT = 0.0012, 3
_SPLIT_CHANCE = 0.1  # a session, once the price is out of its range
_SPLIT_RATIOS = np.array([2.0, 2.0, 2.0, 3.0, 4.0])
_REVERSE_BELOW, _REVERSE_RATIO = 5.0, 0.1
_QUARTER_SESSIONS = 63
_LEAST_PRICE = 0.05
# What a company brings to its slot, one record a slot.
_TRAITS = np.dtype(
    [
        ("ordinal", np.int64),
        ("sector_index", np.int64),
        ("dividend_phase", np.int64),
        ("beta", np.float64),
        ("idio_sigma", np.float64),
        ("overnight_sigma", np.float64),
        ("dividend_yield", np.float64),
        ("split_above", np.float64),
    ]
)


@dataclass(frozen=True)
class Step:
    """One session, one value a slot. Where not `is_trading` the prices and volume mean nothing."""

    ordinal: np.ndarray
    is_listed: np.ndarray
    is_trading: np.ndarray
    open: np.ndarray
    high: np.ndarray
    low: np.ndarray
    close: np.ndarray
    volume_shares: np.ndarray
    split_ratio: np.ndarray
    dividend: np.ndarray
    opinion: np.ndarray
    planted_return: np.ndarray
    idio_sigma: np.ndarray


@dataclass(frozen=True)
class _Draws:
    """The random numbers of one session; their shapes depend on the number of slots alone."""

    market: np.ndarray
    sector: np.ndarray
    normal: np.ndarray
    uniform: np.ndarray

    @classmethod
    def of(cls, plan: MarketPlan, day: int) -> _Draws:
        random = generator(plan.seed, Stream.PRICES, day)
        return cls(
            market=random.standard_normal(2),
            sector=random.standard_normal(len(SECTORS)),
            normal=random.standard_normal((6, plan.ticker_count)),
            uniform=random.random((4, plan.ticker_count)),
        )


class PriceWalk:
    """The state of the market after the sessions so far; `step` goes one session on."""

    def __init__(self, plan: MarketPlan, regime: Regime | None = None) -> None:
        count = plan.ticker_count
        self._plan = plan
        self._regime = regime
        self._effect, self._volatility = plan.effect, 1.0
        self._session = 0
        self._stays: list[Stay | None] = [None] * count
        self.stays: list[Stay] = []  # every stay that has begun
        self._traits = np.zeros(count, _TRAITS)
        self._close, self._log_shares = np.ones(count), np.zeros(count)
        self._heat, self._market_heat = np.ones(count), 1.0
        self._activity, self._planted = np.zeros(count), np.zeros(count)
        self._halted = np.zeros(count, np.int64)

    def step(self, day: int) -> Step:
        """Return the next session; `day` numbers it (days since 1970) for its random stream."""
        draws = _Draws.of(self._plan, day)
        if self._regime is not None and day >= self._regime.number:
            self._effect, self._volatility = self._regime.effect, self._regime.volatility
        is_new = self._renew_slots()
        is_listed = np.array([s.last is None or self._session <= s.last for s in self._stays])
        is_trading = self._halt(draws, is_listed, is_new)
        ratio, dividend = self._corporate_actions(draws, is_trading & ~is_new)
        heat = self._heat
        opening, closing, intraday, gap = self._prices(draws, ratio, dividend)
        high, low = self._range(draws, opening, closing)
        volume = self._volume(draws, ratio, np.abs(intraday + gap), heat)
        self._close = np.where(is_trading, closing, self._close)
        opinion, idio_sigma = draws.normal[0], self._traits["idio_sigma"].copy()
        # Adding 0.0 turns the -0.0 of "no effect" into a plain zero.
        moved = self._effect * idio_sigma * opinion
        moved = moved + self._plan.market_effect * _MARKET_INTRADAY * _mood(opinion[is_listed])
        planted = np.where(is_listed, moved, 0.0) + 0.0
        self._planted = planted
        self._session += 1
        return Step(
            self._traits["ordinal"].copy(), is_listed, is_trading, opening, high, low, closing,
            volume, ratio, dividend, opinion, planted, idio_sigma,
        )  # fmt: skip

    def _renew_slots(self) -> np.ndarray:
        """Seat the companies that are listed today; return where that happened."""
        is_new = np.zeros(len(self._stays), dtype=bool)
        for slot, stay in enumerate(self._stays):
            # A company that stays for good is looked at once.
            if stay is not None and stay.last is None:
                continue
            now = stay_at(slot, self._session)
            if stay is not None and now.first == stay.first:
                continue
            is_new[slot] = True
            self._stays[slot] = now
            self.stays.append(now)
            self._seat(slot, company(self._plan.seed, now.ordinal))
        return is_new

    def _seat(self, slot: int, who: Company) -> None:
        self._traits[slot] = tuple(getattr(who, name) for name in _TRAITS.names)
        self._close[slot] = who.start_price
        self._log_shares[slot] = np.log(who.usual_volume_usd / who.start_price)
        self._heat[slot], self._activity[slot] = 1.0, 0.0
        self._halted[slot], self._planted[slot] = 0, 0.0

    def _halt(self, draws: _Draws, is_listed: np.ndarray, is_new: np.ndarray) -> np.ndarray:
        """Return who trades. A halt lasts 1 to 3 sessions and never begins right after another."""
        was_halted = self._halted > 0
        begins = is_listed & ~is_new & ~was_halted & (draws.uniform[0] < _HALT_CHANCE)
        length = 1 + (draws.uniform[1] * _LONGEST_HALT).astype(np.int64)
        self._halted = np.where(begins, length, np.maximum(self._halted - 1, 0))
        return is_listed & (self._halted == 0)

    def _corporate_actions(
        self, draws: _Draws, may_act: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return split ratios (1 for none) and dividends (USD a share, 0 for none) of today."""
        dividend_yield = self._traits["dividend_yield"]
        due = (self._session + self._traits["dividend_phase"]) % _QUARTER_SESSIONS == 0
        pays = may_act & due & (dividend_yield > 0)
        amount = np.maximum(np.round(self._close * dividend_yield / 4, 2), 0.01)
        wants = may_act & ~pays & (draws.uniform[2] < _SPLIT_CHANCE)
        choice = _SPLIT_RATIOS[(draws.uniform[3] * len(_SPLIT_RATIOS)).astype(np.int64)]
        ratio = np.where(wants & (self._close > self._traits["split_above"]), choice, 1.0)
        ratio = np.where(wants & (self._close < _REVERSE_BELOW), _REVERSE_RATIO, ratio)
        return ratio, np.where(pays, amount, 0.0)

    def _prices(
        self, draws: _Draws, ratio: np.ndarray, dividend: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return open and close (whole cents), and the intraday and overnight log returns."""
        beta, scale = self._traits["beta"], self._volatility
        temper = np.sqrt(self._heat) * scale
        market_shock, market_gap = draws.market * np.sqrt(self._market_heat) * scale
        gap = (
            _OVERNIGHT_DRIFT
            + beta * _MARKET_OVERNIGHT * market_gap
            + self._traits["overnight_sigma"] * temper * draws.normal[2]
        )
        intraday = (
            beta * _MARKET_INTRADAY * market_shock
            + _SECTOR_INTRADAY * draws.sector[self._traits["sector_index"]] * scale
            + self._traits["idio_sigma"] * temper * draws.normal[1]
            + self._planted
        )
        self._heat = _next_heat(self._heat, draws.normal[1])
        self._market_heat = float(_next_heat(np.array(self._market_heat), draws.market[0]))
        reference = (self._close - dividend) / ratio
        opening = np.round(np.maximum(reference * np.exp(gap), _LEAST_PRICE), 2)
        closing = np.round(np.maximum(opening * np.exp(intraday), _LEAST_PRICE), 2)
        return opening, closing, intraday, gap

    def _range(
        self, draws: _Draws, opening: np.ndarray, closing: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        reach = 0.6 * self._traits["idio_sigma"] * np.sqrt(self._heat) * np.abs(draws.normal[3:5])
        top, bottom = np.maximum(opening, closing), np.minimum(opening, closing)
        high = np.maximum(np.round(top * np.exp(reach[0]), 2), top)
        low = np.minimum(np.round(bottom * np.exp(-reach[1]), 2), bottom)
        return high, np.maximum(low, _LEAST_PRICE)

    def _volume(
        self, draws: _Draws, ratio: np.ndarray, move: np.ndarray, heat: np.ndarray
    ) -> np.ndarray:
        """Return shares traded: busy times cluster, and a big move or a split raises the count."""
        self._log_shares = self._log_shares + np.log(ratio)
        self._activity = _ACTIVITY_KEEP * self._activity + _ACTIVITY_NOISE * draws.normal[5]
        usual_moves = np.minimum(move / self._traits["idio_sigma"], 6.0)
        surprise = 0.3 * (usual_moves - 1.0) + 0.4 * np.log(heat)
        return np.maximum(np.exp(self._log_shares + self._activity + surprise), 1.0).astype(
            np.int64
        )


def _mood(opinions: np.ndarray) -> float:
    """Return the mean of standard normal opinions in its own deviations: standard normal too."""
    return float(opinions.sum() / np.sqrt(max(1, len(opinions))))


def _next_heat(heat: np.ndarray, shock: np.ndarray) -> np.ndarray:
    return np.clip(_HEAT_BASE + heat * (_HEAT_KEEP + _HEAT_REACT * shock**2), *_HEAT_RANGE)
