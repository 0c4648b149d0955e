"""An estimate: a metric with its interval."""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan

SMALL = 0.01  # below it three digits hide what an interval says


@dataclass(frozen=True)
class Estimate:
    """A metric with the ends of its interval, printed as "0.561 [0.541, 0.580]".

    Ends that are unknown are NaN, which contradicts nothing.
    """

    value: float
    lower: float
    upper: float

    def __str__(self) -> str:
        digits = 3 if isnan(self.value) or abs(self.value) >= SMALL else 4
        return f"{self.value:.{digits}f} [{self.lower:.{digits}f}, {self.upper:.{digits}f}]"

    @property
    def is_known(self) -> bool:
        return not isnan(self.value)

    @property
    def has_interval(self) -> bool:
        return not isnan(self.lower)

    def contradicts(self, gain: float) -> bool:
        """Return whether this gain of a few sessions contradicts one of more sessions.

        It does where it is no gain, and its interval lies wholly below the other.

        >>> few = Estimate(-0.02, -0.06, 0.03)
        >>> few.contradicts(0.05), few.contradicts(0.02)
        (True, False)
        """
        return self.value <= 0 and self.upper < gain

    def minus(self, cost: float) -> Estimate:
        """Return the estimate with a constant taken off."""
        return Estimate(self.value - cost, self.lower - cost, self.upper - cost)
