"""Shadowing: the challenger is scored on what was answered, after it was answered.

Its scores go to the ledger, marked with the answer beside which they were made, and to the metrics.
Nobody is ever answered with them, or made to wait for them.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from time import perf_counter

from bentos.price_predictor.logs import log
from bentos.price_predictor.metrics import SHADOWED
from bentos.price_predictor.recording import Recorder
from finpulse_assets.domain.serving.answering import Answering, Reply
from finpulse_assets.domain.serving.ledger import entry_of
from finpulse_assets.errors import RequestError
from finpulse_assets.gateways.serving.prediction_id import new_prediction_id

MOST_WAITING = 1024
UP = b'"prediction":"up"'


@dataclass(frozen=True)
class Answered:
    """What was answered.

    Attributes:
        ids: of the answers.
        replies: the answers.
        ask: asks the same of another version.
        now: as of when, UTC.
        stamp: the same as text.
    """

    ids: Sequence[str]
    replies: Sequence[Reply]
    ask: Callable[[Answering], Sequence[Reply]]
    now: datetime
    stamp: str


class Shadowing:
    """Scores one answer after the other, beside the service's loop; too many are left out."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[Answering, Recorder | None, Answered]] = deque()
        self._working: asyncio.Task[None] | None = None

    def see(self, shadow: Answering, recorder: Recorder | None, answered: Answered) -> None:
        """Take note of what was answered, for the challenger to be scored on."""
        if len(self._waiting) >= MOST_WAITING:
            SHADOWED.add("left_out", amount=len(answered.ids))
            return
        self._waiting.append((shadow, recorder, answered))
        if self._working is None or self._working.done():
            self._working = asyncio.get_running_loop().create_task(self._work())

    async def _work(self) -> None:
        while self._waiting:
            shadow, recorder, answered = self._waiting.popleft()
            try:
                entries = await asyncio.to_thread(_scored, shadow, answered)
            except RequestError:  # it reads other features than the row that was sent has
                SHADOWED.add("refused", amount=len(answered.ids))
            except Exception:  # of the challenger: nothing that it does may harm the service
                log.exception("the shadow has failed")
                SHADOWED.add("failed", amount=len(answered.ids))
            else:
                if recorder is not None:
                    recorder.note(entries, answered.now)


def _scored(shadow: Answering, answered: Answered) -> list[bytes]:
    """Return the ledger's entries of what the challenger says; count where it agrees."""
    started = perf_counter()
    replies = answered.ask(shadow)
    latency = (perf_counter() - started) * 1000
    entries = []
    for beside, was, reply in zip(answered.ids, answered.replies, replies, strict=True):
        SHADOWED.add("agrees" if (UP in was.members) == (UP in reply.members) else "differs")
        content = reply.stamped(new_prediction_id(answered.now), answered.stamp, latency)
        entries.append(entry_of(content, reply.features, shadow.bundle, shadow_of=beside))
    return entries
