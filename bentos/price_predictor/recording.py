"""Recording: every answer is in the ledger before it is sent, as firmly as the setting asks.

`on`: where the disk refuses, answers go on and a metric counts them. `required`: they stop, with
503. `durable`: the disk has confirmed it too; requests that wait share one fsync.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from datetime import datetime
from pathlib import Path

from bentos.price_predictor.logs import log
from bentos.price_predictor.metrics import RECORDED, UNRECORDED
from bentos.price_predictor.refusal import Refused
from finpulse_assets.domain.serving.answering import Reply
from finpulse_assets.domain.serving.ledger import entry_of
from finpulse_assets.errors import LedgerError
from finpulse_assets.gateways.serving.ledger import LedgerWriter
from finpulse_assets.gateways.serving.service_environment import LedgerMode


class Recorder:
    """Writes answers to the ledger."""

    def __init__(self, folder: Path, mode: LedgerMode) -> None:
        self.folder, self.mode = folder, mode
        self.writer = LedgerWriter(folder)
        self._waiting: list[asyncio.Future[None]] = []
        self._forcing: asyncio.Task[None] | None = None
        self._is_refusing = False

    def record(
        self, replies: Sequence[Reply], contents: Sequence[bytes], bundle: str, now: datetime
    ) -> Awaitable[None] | None:
        """Append answers; return what is to be awaited before they are sent, if anything is.

        Raises:
            Refused: 503, the disk refuses and the setting asks for the ledger.
        """
        entries = [
            entry_of(content, reply.features, bundle)
            for reply, content in zip(replies, contents, strict=True)
        ]
        return self.append(entries, now)

    def append(self, entries: Sequence[bytes], now: datetime) -> Awaitable[None] | None:
        """Append entries of any kind; returns and raises as `record`."""
        try:
            self.writer.append(entries, now)
        except LedgerError as error:
            self._refused(error, len(entries))
            return None
        self._is_refusing = False
        RECORDED.add(amount=len(entries))
        return self._forced() if self.mode is LedgerMode.DURABLE else None

    def note(self, entries: Sequence[bytes], now: datetime) -> None:
        """Append entries that nobody waits for; where the disk refuses, that is counted."""
        try:
            self.writer.append(entries, now)
        except LedgerError as error:
            self._count_refused(error, len(entries))
        else:
            RECORDED.add(amount=len(entries))

    def _count_refused(self, error: LedgerError, count: int) -> None:
        UNRECORDED.add(amount=count)
        if not self._is_refusing:  # once, not at every request
            self._is_refusing = True
            log.error("%s", error)

    def _refused(self, error: LedgerError, count: int) -> None:
        self._count_refused(error, count)
        if self.mode is not LedgerMode.ON:
            raise Refused(
                503,
                "the answer cannot be recorded, and none is given that is not",
                hint="send it again later; the service's log says why",
                headers=((b"retry-after", b"5"),),
            ) from error

    async def _forced(self) -> None:
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        self._waiting.append(done)
        if len(self._waiting) == 1:
            self._forcing = loop.create_task(self._force_all())
        try:
            await done
        except OSError as error:
            self._refused(LedgerError(f"the disk confirms nothing: {error.strerror or error}"), 1)

    async def _force_all(self) -> None:
        """Force what is appended to the disk, for all who wait; who comes meanwhile waits on."""
        while self._waiting:
            waiting = self._waiting[:]
            try:
                await asyncio.to_thread(self.writer.force)
                failed = None
            except OSError as error:
                failed = error
            for done in waiting:
                if done.cancelled():
                    continue
                if failed is None:
                    done.set_result(None)
                else:
                    done.set_exception(failed)
            del self._waiting[: len(waiting)]
