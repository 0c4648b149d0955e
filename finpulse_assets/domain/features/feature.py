"""What a feature is, and on which clock it is read.

The record that `registry` holds one of for each feature, and the two clocks.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np

    from finpulse_assets.domain.features.engine.bars import Bars

Family = Literal[
    "momentum", "trend", "volatility", "volume", "liquidity", "market", "calendar", "text",
    "holdings", "options",
]  # fmt: skip
Statistic = Literal["mean", "deviation", "positive_share", "rank", "sector_mean"]

_WINDOW = re.compile(r"_(\d+)d(?=_|$)")


@dataclass(frozen=True)
class Clock:
    """How often a bar comes. A feature's windows count bars of its clock.

    `time_column` names the bar: its session, or the UTC time at which its minute begins.
    """

    name: Literal["session", "minute"]
    suffix: str
    time_column: str

    def column(self, name: str) -> str:
        """Return the column of the feature `name` on this clock.

        >>> MINUTE.column("volatility_20d"), MINUTE.column("rsi_14"), SESSION.column("return_1d")
        ('volatility_20m', 'rsi_14', 'return_1d')
        """
        return _WINDOW.sub(rf"_\1{self.suffix}", name)

    def words(self, text: str) -> str:
        """Return a definition with the features it names as they are called on this clock."""
        return " ".join(self.column(word) for word in text.split(" "))


SESSION = Clock("session", "d", "session_date")
MINUTE = Clock("minute", "m", "bar_at")


@dataclass(frozen=True, kw_only=True)
class Feature:
    """One model input.

    Attributes:
        name: its column; a window of sessions is written `_20d` and reads `_20m` on minute bars.
        family: which kind of evidence it is.
        formula: the definition in words.
        inputs: the columns of a bar, other features or tables that it is made of.
        unit: of its values.
        lookback: bars that the definition reads, the present one included; sessions for texts.
        warm_up: bars of a run before which it is null. As `lookback`, or more for a recursive
            average: by then a start one bar later moves it by less than a thousandth of its spread.
        scale_free: whether the unit of price (dollars, cents) and of volume (shares, lots) is
            without effect.
        undefined: when it is null although warm; "" where that cannot be.
        sparse: whether that is an ordinary state (no text, no sector), not a lack of data.
        source: who defined it.
        clocks: the clocks that it has a meaning on.
        across: (statistic, feature) where it is a statistic over the tickers of one moment.
        compute: from bars to its values, NaN or infinite where undefined; None where `across`
            says it, the calendar knows it, or dbt computes it (texts, holdings, options).
    """

    name: str
    family: Family
    formula: str
    inputs: tuple[str, ...]
    unit: str
    lookback: int
    warm_up: int = 0
    scale_free: bool = True
    undefined: str = ""
    sparse: bool = False
    source: str = "own"
    clocks: tuple[str, ...] = ("session", "minute")
    across: tuple[Statistic, str] | None = None
    compute: Callable[[Bars], np.ndarray] | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "warm_up", max(self.warm_up, self.lookback))

    @property
    def is_text(self) -> bool:
        return self.family == "text"

    @property
    def meaning(self) -> str:
        """The sentence that column descriptions carry, in contracts, dbt and documents alike."""
        return self.formula if self.source == "own" else f"{self.formula} ({self.source})"
