"""What is served: the answers of each version, each replaced as one reference when it changes.

A bundle is read and verified in a thread. A live one that cannot be trusted is told in the log and
in a metric, and the one that is served stays; without a canary or a shadow the live one answers.
"""

from __future__ import annotations

import asyncio
import gc
import tempfile
from pathlib import Path

from bentos.price_predictor.access import Access
from bentos.price_predictor.fresh import FreshRows
from bentos.price_predictor.logs import log
from bentos.price_predictor.metrics import CANARY_SHARE, RELOAD_FAILED, RELOADS
from bentos.price_predictor.places import CANARY, LIVE, SHADOW, Places, Source, Wanted, state_of
from bentos.price_predictor.recording import Recorder
from bentos.price_predictor.refusal import CLOSE, Refused
from bentos.price_predictor.scorer import Scorer
from bentos.price_predictor.shadowing import Shadowing
from bentos.price_predictor.stream import Stream
from bentos.price_predictor.traces import Traces
from finpulse_assets.domain.serving.answering import Answering
from finpulse_assets.errors import FinPulseError, ServiceError
from finpulse_assets.gateways.clock import system_now
from finpulse_assets.gateways.serving.bundle import read_bundle, with_features
from finpulse_assets.gateways.serving.ledger import keep_bundle
from finpulse_assets.gateways.serving.online_store import OnlineStore
from finpulse_assets.gateways.serving.service_keys import read_keys

LOOK_SECONDS = 0.5


class Served:
    """The answers of the versions that are served: `current` is the live one's."""

    def __init__(self) -> None:
        self.current: Answering | None = None
        self.canary: Answering | None = None
        self.shadow: Answering | None = None
        self.share = self._owed = 0.0
        self.shadowing = Shadowing()
        self.recorder: Recorder | None = None
        self.scorer: Scorer | None = None
        self.fresh: FreshRows | None = None
        self.stream = Stream()
        self.traces: Traces | None = None
        self.is_draining = False
        self.access = Access()
        self._keys: Path | None = None
        self._keys_seen: tuple[int, int] | None = None
        self._places = Places(Path())
        self._seen: Wanted | None = None
        self._tried: dict[str, Source | None] = {}
        self._failed: dict[str, str] = {}

    def start(
        self,
        home: Path,
        bentos: Path | None = None,
        recorder: Recorder | None = None,
        keys: Path | None = None,
        store: OnlineStore | None = None,
    ) -> None:
        """Read the first bundle; where it cannot be trusted, say so and serve nothing.

        Args:
            home: the bundle's folder.
            bentos: the folder of the service's bentos, whose roll-out is followed; None to follow
                `home` itself.
            recorder: of the answers, None for no ledger.
            keys: the file of keys, None for none.
            store: of online features that several replicas read, None for none.
        """
        self._keys, self.recorder = keys, recorder
        self._look_at_keys()
        self._places = Places(home, bentos, store)
        self._take(self._places.look())

    async def follow(self) -> None:
        """Look for what is newer for as long as the service runs, and take it."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if self.recorder is not None:
                self.recorder.writer.close_if_old(system_now())
            self._look_at_keys()
            wanted = await asyncio.to_thread(self._places.look)
            if wanted != self._seen:
                await asyncio.to_thread(self._take, wanted)
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

    @property
    def ready_answering(self) -> Answering:
        """Return what answers, for who would come again.

        Raises:
            Refused: 503, nothing can be trusted, or the service is about to stop.
        """
        if self.is_draining:
            raise Refused(503, "the service is shutting down", hint="ask another", headers=CLOSE)
        return self.answering

    def due_canary(self) -> Answering | None:
        """Return the canary where this request is one of its share, which is held exactly."""
        if self.canary is None:
            return None
        self._owed += self.share
        if self._owed < 1:
            return None
        self._owed -= 1
        return self.canary

    def _look_at_keys(self) -> None:
        """Take the keys as they are now; a file that cannot be read leaves those there were."""
        seen = state_of(self._keys) if self._keys else None
        if seen == self._keys_seen:
            return
        self._keys_seen = seen
        try:
            self.access = Access(read_keys(self._keys), self.access)
        except FinPulseError as error:
            log.error("the keys are kept as they were: %s", error)

    def _take(self, wanted: Wanted) -> None:
        self._seen = wanted
        for role, source in wanted.roles():
            if source == self._tried.get(role):
                continue
            try:
                taken = source and self._load(source)
            except FinPulseError as error:
                self._refuse(role, source, error)
                continue
            self._tried[role] = source
            self._failed.pop(role, None)
            if taken is not None or role != LIVE:
                self._put(role, taken)
        self.share = wanted.share
        CANARY_SHARE.set(wanted.share if self.canary else 0)
        RELOAD_FAILED.set(bool(self._failed))
        # What lives as long as the service is not looked through again at every collection.
        gc.collect()
        gc.freeze()

    def _load(self, source: Source) -> Answering:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name) / "bundle"
            other = source.read_features and source.read_features()
            if other is None or not with_features(source.folder, other, folder):
                folder = source.folder
            if self.recorder is None:
                answering = Answering(read_bundle(folder))
            else:
                # What is served is the copy that is kept, so that each answer can be given again.
                found, kept = keep_bundle(self.recorder.folder, folder)
                answering = Answering(read_bundle(kept), bundle=found)
        answering.warm_up(system_now())
        return answering

    def _put(self, role: str, taken: Answering | None) -> None:
        before = {LIVE: self.current, CANARY: self.canary, SHADOW: self.shadow}[role]
        if role == LIVE:
            self.current = taken
        elif role == CANARY:
            self.canary = taken
        else:
            self.shadow = taken
        if taken is not None:
            RELOADS.add("taken")
            log.info("serving model %s as %s", taken.predictor.model_version, role)
        elif before is not None:
            log.info("serving no %s any more", role)

    def _refuse(self, role: str, source: Source | None, error: FinPulseError) -> None:
        if isinstance(error, ServiceError):  # of the store, which may come back: look again
            self._seen = None
        else:
            self._tried[role] = source
        if self._failed.get(role) == str(error):
            return
        self._failed[role] = str(error)
        RELOADS.add("refused")
        if role != LIVE:
            self._put(role, None)
            log.error("there is no %s: %s", role, error)
        else:
            log.error("%s: %s", "the old bundle is kept" if self.current else "not ready", error)


SERVED = Served()
