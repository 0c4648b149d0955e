"""What is served: the bundle's answers, replaced as one reference when a newer bundle stands there.

A bundle is read and verified in a thread. One that cannot be trusted is told in the log and in a
metric, and the one that is served stays.
"""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path

from bentos.price_predictor.access import Access
from bentos.price_predictor.fresh import FreshRows
from bentos.price_predictor.logs import log
from bentos.price_predictor.metrics import RELOAD_FAILED, RELOADS
from bentos.price_predictor.recording import Recorder
from bentos.price_predictor.refusal import Refused
from bentos.price_predictor.scorer import Scorer
from bentos.price_predictor.stream import Stream
from bentos.price_predictor.traces import Traces
from finpulse_assets.domain.serving.answering import Answering
from finpulse_assets.errors import FinPulseError
from finpulse_assets.gateways.clock import system_now
from finpulse_assets.gateways.models.sealed_folder import MANIFEST
from finpulse_assets.gateways.serving.bundle import read_bundle
from finpulse_assets.gateways.serving.ledger import keep_bundle
from finpulse_assets.gateways.serving.service_keys import read_keys
from finpulse_assets.gateways.serving.store_layout import bundle_of, newest_version

LOOK_SECONDS = 0.5
Seen = tuple[Path, tuple[int, int] | None]


class Served:
    """The answers of the bundle that is served, if one can be trusted."""

    def __init__(self) -> None:
        self.current: Answering | None = None
        self.recorder: Recorder | None = None
        self.scorer: Scorer | None = None
        self.fresh: FreshRows | None = None
        self.stream = Stream()
        self.traces: Traces | None = None
        self.is_draining = False
        self.access = Access()
        self._keys: Path | None = None
        self._keys_seen: tuple[int, int] | None = None
        self._home, self._bentos = Path(), None
        self._seen: Seen | None = None

    def start(
        self,
        home: Path,
        bentos: Path | None = None,
        recorder: Recorder | None = None,
        keys: Path | None = None,
    ) -> None:
        """Read the first bundle; where it cannot be trusted, say so and serve nothing.

        Args:
            home: the bundle's folder.
            bentos: the folder of the service's bentos, the newest of which is followed; None to
                follow `home` itself.
            recorder: of the answers, None for no ledger.
            keys: the file of keys, None for none.
        """
        self._keys = keys
        self._look_at_keys()
        self._home, self._bentos, self.recorder = home, bentos, recorder
        self._seen = self._look()
        self._take(self._seen)

    async def follow(self) -> None:
        """Look for a newer bundle for as long as the service runs, and take it."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if self.recorder is not None:
                self.recorder.writer.close_if_old(system_now())
            self._look_at_keys()
            seen = await asyncio.to_thread(self._look)
            if seen != self._seen:
                self._seen = seen
                await asyncio.to_thread(self._take, seen)
            if self.current is not None and self.stream.clients:
                self.stream.look(self.current, system_now())

    @property
    def answering(self) -> Answering:
        """Return what answers.

        Raises:
            Refused: 503, nothing can be trusted.
        """
        if self.current is None:
            raise Refused(
                503,
                "the service has no model that it can trust",
                hint="see the service's log; it looks for a newer bundle all the time",
                headers=((b"retry-after", b"2"),),
            )
        return self.current

    def _look_at_keys(self) -> None:
        """Take the keys as they are now; a file that cannot be read leaves those there were."""
        seen = _state_of(self._keys) if self._keys else None
        if seen == self._keys_seen:
            return
        self._keys_seen = seen
        try:
            self.access = Access(read_keys(self._keys), self.access)
        except FinPulseError as error:
            log.error("the keys are kept as they were: %s", error)

    def _read(self, folder: Path) -> Answering:
        if self.recorder is None:
            return Answering(read_bundle(folder))
        # What is served is the copy that is kept, so that each answer can be given again.
        found, kept = keep_bundle(self.recorder.folder, folder)
        return Answering(read_bundle(kept), bundle=found)

    def _look(self) -> Seen:
        """Return the bundle that should be served, and its seal's file as it is now."""
        folder = self._home
        if self._bentos is not None and (version := newest_version(self._bentos)):
            folder = bundle_of(self._bentos / version)
        return folder, _state_of(folder / MANIFEST)

    def _take(self, seen: Seen) -> None:
        is_first = self.current is None
        try:
            answering = self._read(seen[0])
            answering.warm_up(system_now())
        except FinPulseError as error:
            RELOAD_FAILED.set(1)
            RELOADS.add("refused")
            log.error("%s: %s", "not ready" if is_first else "the old bundle is kept", error)
            return
        self.current = answering
        RELOAD_FAILED.set(0)
        RELOADS.add("taken")
        # What lives as long as the service is not looked through again at every collection.
        gc.collect()
        gc.freeze()
        log.info("serving model %s", answering.predictor.model_version)


def _state_of(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino


SERVED = Served()
