"""The next close from closes alone: a random walk without drift, and how wide it is.

No model, no texts: the expected close is the last one. The band is the volatility of the last
sessions times what the ticker's own moves have been of it, so that as many of the next closes lie
inside as of the past ones did (split conformal prediction, https://arxiv.org/abs/2107.07511, on the
volatility of RiskMetrics, https://www.msci.com/documents/10199/5915b101-4206-4ba0-aee2-3449d5c7e95a).
"""

from __future__ import annotations

from math import ceil, exp

import msgspec
import numpy as np

from finpulse_assets.domain.serving.answer import Forecast, PriceInterval
from finpulse_assets.domain.serving.request import refuse_repeats
from finpulse_assets.errors import RequestError

LEVEL = 0.90
DECAY = 0.94  # of a squared return, a session
SEED = 10  # returns that the first volatility is made of
JUDGED = 20  # moves that a band is made of at least
WINDOW = 250  # and at most
MIN_PRICES, MAX_PRICES = 1 + SEED + JUDGED, 2_520
LOWEST, HIGHEST = 1e-6, 1e9
WIDEST = 50.0  # half a band, a log return: beyond it nothing is said, and numbers overflow
FORM = f'send {{"prices": [...]}}: {MIN_PRICES} to {MAX_PRICES} closes, the oldest first'


class _ForecastRequest(msgspec.Struct, forbid_unknown_fields=True):
    prices: list[float]


_REQUEST = msgspec.json.Decoder(_ForecastRequest)


def parse_prices(body: bytes) -> np.ndarray:
    """Return the closes in a JSON text, float64 (prices,), the oldest first.

    Raises:
        RequestError: it is not of the form, or a price is no positive number.
    """
    try:
        prices = np.array(_REQUEST.decode(body).prices, dtype=float)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise RequestError(f"the prices cannot be read: {error}", hint=FORM) from error
    refuse_repeats(body)
    if not MIN_PRICES <= len(prices) <= MAX_PRICES:
        raise RequestError(f"there are {len(prices)} prices", hint=FORM)
    wrong = ~((prices >= LOWEST) & (prices <= HIGHEST))
    if wrong.any():
        at = int(wrong.argmax())
        hint = f"every price is {LOWEST:g} to {HIGHEST:g}"
        raise RequestError(f"price {at} is {prices[at]:g}", hint=hint)
    return prices


def forecast(prices: np.ndarray) -> Forecast:
    """Return the next close of prices, float64 (prices,) of MIN_PRICES or more, with its band."""
    sizes, deviation = _moves(prices)
    half = _half_width(sizes, deviation)
    inside = [
        size <= _quantile(sizes[max(0, at - WINDOW) : at])
        for at, size in enumerate(sizes.tolist())
        if at >= JUDGED
    ]
    last = float(prices[-1])
    return Forecast(
        last_close=last,
        expected_close=last,
        interval=interval_of(last, half),
        level=LEVEL,
        volatility=deviation,
        coverage=float(np.mean(inside)) if inside else None,
        tested_sessions=len(inside),
    )


def interval_of(expected: float, half_width: float) -> PriceInterval:
    """Return the band around an expected close, its half width as a log return."""
    return PriceInterval(lower=expected * exp(-half_width), upper=expected * exp(half_width))


def _moves(prices: np.ndarray) -> tuple[np.ndarray, float]:
    """Return each move's size in deviations of the day before, and the deviation now."""
    returns = np.diff(np.log(prices))
    variance = float(np.mean(returns[:SEED] ** 2))
    sizes = []
    for move in returns[SEED:].tolist():
        # A price that has never moved says nothing of how far it may.
        sizes.append(abs(move) / variance**0.5 if variance > 0 else 0.0)
        variance = DECAY * variance + (1 - DECAY) * move * move
    return np.array(sizes), variance**0.5


def _half_width(sizes: np.ndarray, deviation: float) -> float:
    return min(WIDEST, _quantile(sizes[-WINDOW:]) * deviation)


def _quantile(sizes: np.ndarray) -> float:
    """Return the size that LEVEL of moves stay below, the next one counted among them."""
    rank = min(len(sizes), ceil((len(sizes) + 1) * LEVEL))
    return float(np.partition(sizes, rank - 1)[rank - 1])
