"""The final holdout: the last sessions, which no walk-forward tests and each candidate sees once.

Whoever looks often enough at the same sessions finds something by luck. So every read is kept, and
every read of sessions that were read before makes a proof on them harder.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime

from finpulse_assets.domain.evaluation.report import Evaluation
from finpulse_assets.errors import ModelError


@dataclass(frozen=True)
class HoldoutRead:
    """What a candidate showed on the holdout, the one time that it was read for it.

    Attributes:
        candidate_id: which one.
        first_session: the first session of the holdout.
        last_session: the last one.
        reads: how often sessions of this span have been read, this read included.
        proven: the names of the skills that are proven on it.
        reason: the sentences for people.
        read_at: UTC as-of time of the run that read.
    """

    candidate_id: str
    first_session: date
    last_session: date
    reads: int
    proven: tuple[str, ...]
    reason: str
    read_at: datetime

    @classmethod
    def of(
        cls,
        evaluation: Evaluation,
        candidate_id: str,
        span: tuple[date, date],
        *,
        reads: int,
        read_at: datetime,
    ) -> HoldoutRead:
        """Return the read that an evaluation on the holdout is; the id is that of the candidate."""
        return cls(candidate_id, *span, reads, evaluation.proven, evaluation.reason, read_at)

    @property
    def sentence(self) -> str:
        """The read for people, with how often it was done."""
        times = "once" if self.reads == 1 else f"{self.reads} times"
        return (
            f"on the holdout of {self.first_session} to {self.last_session}, read {times}: "
            f"{self.reason}"
        )

    def to_json(self) -> str:
        """Return the read as one line of JSON with sorted keys."""
        return json.dumps(asdict(self), sort_keys=True, default=_iso) + "\n"

    @classmethod
    def from_json(cls, text: str) -> HoldoutRead:
        """Return the read that `to_json` wrote.

        Raises:
            ModelError: the text is none.
        """
        try:
            content = json.loads(text)
            for name in ("first_session", "last_session"):
                content[name] = date.fromisoformat(content[name])
            content["read_at"] = datetime.fromisoformat(content["read_at"])
            return cls(**{**content, "proven": tuple(content["proven"])})
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ModelError(
                f"a stored read of the holdout cannot be read: {error!r}",
                hint="it counts how often the holdout was looked at; restore it from a backup",
            ) from error


def reads_so_far(history: Sequence[HoldoutRead], span: tuple[date, date]) -> int:
    """Return how many of the reads looked at sessions of this span.

    >>> read_at = datetime(2024, 3, 1, 22)
    >>> read = HoldoutRead("a", date(2024, 1, 2), date(2024, 3, 1), 1, (), "", read_at)
    >>> [reads_so_far([read], (date(2024, month, 1), date(2024, 6, 1))) for month in (3, 4)]
    [1, 0]
    """
    first, last = span
    return sum(it.first_session <= last and first <= it.last_session for it in history)


def reads_sentence(reads: int) -> str:
    """Return how often the holdout was read, for people.

    >>> reads_sentence(0), reads_sentence(2)
    ('the final holdout was never read', 'the final holdout was read 2 times')
    """
    times = {0: "never read", 1: "read once"}.get(reads, f"read {reads} times")
    return f"the final holdout was {times}"


def _iso(value: date) -> str:
    return value.isoformat()
