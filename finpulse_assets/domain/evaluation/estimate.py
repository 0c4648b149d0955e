"""An estimate: a metric with its interval."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Estimate:
    """A metric with the ends of its interval, printed as "0.561 [0.541, 0.580]".

    Ends that are unknown are NaN, which contradicts nothing.
    """

    value: float
    lower: float
    upper: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.lower:.3f}, {self.upper:.3f}]"

    def contradicts(self, gain: float) -> bool:
        """Return whether this gain of a few sessions contradicts one of more sessions.

        It does where it is no gain, and its interval lies wholly below the other.

        >>> few = Estimate(-0.02, -0.06, 0.03)
        >>> few.contradicts(0.05), few.contradicts(0.02)
        (True, False)
        """
        return self.value <= 0 and self.upper < gain
