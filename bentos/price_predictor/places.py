"""Where to look for what should be served: the bundle of each role, and the features with it.

The roles are those of the roll-out. A version that is named there is a model: the features with it
are those published last, by the newest bento or in the online store, unless its own are newer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bentos.price_predictor.logs import log
from bentos.price_predictor.metrics import STORE_FAILED
from finpulse_assets.errors import FinPulseError
from finpulse_assets.gateways.models.sealed_folder import MANIFEST
from finpulse_assets.gateways.serving.bundle import newest_features
from finpulse_assets.gateways.serving.online_store import OnlineStore
from finpulse_assets.gateways.serving.rollout import NEWEST, Rollout, read_rollout, rollout_of
from finpulse_assets.gateways.serving.store_layout import bundle_of, newest_version

LIVE, CANARY, SHADOW = "live", "canary", "shadow"


@dataclass(frozen=True)
class Source:
    """A bundle to be served; one that is equal need not be loaded again.

    Attributes:
        folder: of the bundle.
        state: of its seal's file, None where there is none.
        features: which features go with it, "" for its own.
        read_features: gives these as Parquet.
    """

    folder: Path
    state: tuple[int, int] | None
    features: str = ""
    read_features: Callable[[], bytes] | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Wanted:
    """What should be served."""

    live: Source
    canary: Source | None = None
    share: float = 0.0
    shadow: Source | None = None

    def roles(self) -> Iterator[tuple[str, Source | None]]:
        yield from ((LIVE, self.live), (CANARY, self.canary), (SHADOW, self.shadow))


class Places:
    """Looks at the roll-out, the bentos and the online store; what cannot be read stays as it was.

    Args:
        home: folder of the bundle that is served where no bentos are followed.
        bentos: folder of the service's bentos, None to follow `home` itself.
        store: of online features, None where they come with the bentos alone.
    """

    def __init__(
        self, home: Path, bentos: Path | None = None, store: OnlineStore | None = None
    ) -> None:
        self._home, self._bentos, self._store = home, bentos, store
        self._rollout, self._version = Rollout(), None
        self._said = ""

    def look(self) -> Wanted:
        """Return what should be served now."""
        problem = ""
        if self._store is not None:
            try:
                self._version = self._store.version() or self._version
                if self._version is None:
                    problem = f"nothing is published yet in the online store {self._store.name}"
            except FinPulseError as error:
                problem = str(error)
            STORE_FAILED.set(bool(problem))
            problem = problem and f"the features are kept as they were: {problem}"
        if self._bentos is not None:
            try:
                self._rollout = read_rollout(rollout_of(self._bentos))
            except FinPulseError as error:
                problem = f"the roll-out is kept as it was: {error}"
        if problem and problem != self._said:  # once, not at every look
            log.error("%s", problem)
        self._said = problem
        now = self._rollout
        return Wanted(
            self._source(now.live),
            now.canary and self._source(now.canary),
            now.share,
            now.shadow and self._source(now.shadow),
        )

    def _source(self, version: str) -> Source:
        folder = self._newest() if version == NEWEST else bundle_of(self._bentos / version)
        state = state_of(folder / MANIFEST)
        if (store := self._store) is not None and (published := self._version) is not None:
            return Source(folder, state, published, lambda: store.read(published))
        newest = self._newest()
        if folder == newest:
            return Source(folder, state)
        features = f"{newest} {state_of(newest / MANIFEST)}"
        return Source(folder, state, features, lambda: newest_features(newest))

    def _newest(self) -> Path:
        if self._bentos is not None and (version := newest_version(self._bentos)):
            return bundle_of(self._bentos / version)
        return self._home


def state_of(path: Path) -> tuple[int, int] | None:
    """Return when a file was changed and which it is, None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino
