"""The plan of a simulated market: its few settings, their limits, and its random streams.

What a caller may choose, and how choices become reproducible random numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import IntEnum

import numpy as np

from finpulse_assets.errors import SettingError

_LIMITS: dict[str, tuple[float, float]] = {
    "ticker_count": (1, 500),
    "session_count": (1, 2000),
    "seed": (0, 2**63 - 1),
    "effect": (0, 5),
    "market_effect": (0, 5),
    "texts_per_session": (0, 50),
    "headlines_per_session": (0, 50),
}
_WHOLE_NUMBERS = ("ticker_count", "session_count", "seed")


@dataclass(frozen=True, kw_only=True)
class MarketPlan:
    """What to simulate.

    Attributes:
        ticker_count: companies listed at a time, 1 to 500.
        session_count: sessions to emit, counted back from the last one, 1 to 2000.
        seed: same seed, same market.
        effect: by how many deviations of a company's own intraday return an opinion of 1 moves the
            next session, open to close; 0 plants nothing.
        market_effect: by how many deviations of the market's own intraday return a mood of 1 moves
            all companies alike in the next session; 0 plants nothing. The mood is the mean opinion
            of the listed companies, in its own deviations, and is the same before and after a
            change of regime.
        texts_per_session: mean tweets a ticker and session, 0 to 50.
        headlines_per_session: mean headlines a ticker and session, 0 to 50.

    Raises:
        SettingError: a value is outside its limits.

    >>> MarketPlan(effect=9)
    Traceback (most recent call last):
    ...
    finpulse_assets.errors.SettingError: effect is 9, it should be a number from 0 to 5. ...
    """

    ticker_count: int = 12
    session_count: int = 500
    seed: int = 7
    effect: float = 0.35
    market_effect: float = 0.0
    texts_per_session: float = 1.2
    headlines_per_session: float = 0.15

    def __post_init__(self) -> None:
        for name, (lowest, highest) in _LIMITS.items():
            value = getattr(self, name)
            kind = "a whole number" if name in _WHOLE_NUMBERS else "a number"
            accepted = int if name in _WHOLE_NUMBERS else (int, float)
            is_number = isinstance(value, accepted) and not isinstance(value, bool)
            # Written so that NaN, which compares false with everything, is refused as well.
            if not (is_number and lowest <= value <= highest):
                raise SettingError(
                    f"{name} is {value!r}, it should be {kind} from {lowest} to {highest}",
                    hint=f"leave {name} out for {getattr(type(self), name)}",
                )


@dataclass(frozen=True, kw_only=True)
class Regime:
    """Another market from one session on.

    Attributes:
        first: its first session.
        effect: the planted effect from then on; below 0, opinions mislead.
        volatility: factor of every shock from then on.

    >>> Regime(first=date(1970, 1, 11), effect=0.0).number
    10
    """

    first: date
    effect: float
    volatility: float = 1.0

    @property
    def number(self) -> int:
        """The first session in days since 1970, as the walk counts them."""
        return (self.first - date(1970, 1, 1)).days


class Stream(IntEnum):
    """Kinds of random numbers; each kind and number has a generator of its own."""

    COMPANY = 1
    PRICES = 2
    TWEETS = 3
    HEADLINES = 4
    LABELLED = 5
    MINUTES = 6
    CORRECTIONS = 7
    STORY = 8


def generator(seed: int, stream: Stream, number: int) -> np.random.Generator:
    """Return the generator of one session (or company) and stream.

    It is counter-based: what it yields depends on its three arguments alone, never on how many
    other generators were used before. That is what keeps the past fixed when the end moves.
    """
    key = np.array([seed, number], dtype=np.uint64)
    counter = np.array([0, 0, 0, stream], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))
