"""The collection: every part of a home read and measured; a part that fails hides no other."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

import dagster as dg

from finpulse_assets.domain.monitoring import measures
from finpulse_assets.domain.monitoring.measures import Sample, exposition
from finpulse_assets.gateways.clock import Now
from finpulse_assets.orchestration.exporting import data, models, work
from finpulse_assets.orchestration.run.clock_file import data_due
from finpulse_assets.settings import Settings

Samples = Iterator[Sample | None]
Part = Callable[[], Samples]
# Collecting takes at most a tenth of the time, whatever the size of the home and the scrapes.
SHORTEST_PAUSE = timedelta(seconds=15)
PAUSES = 10


@dataclass
class Exporter:
    """Gives the numbers of a home as text; those of the last collection for as long as they do.

    Args:
        settings: of the deployment.
        instance: Dagster's, read only.
        now: the clock.
        say: takes the sentence of a part that cannot be collected, once until it changes.
    """

    settings: Settings
    instance: dg.DagsterInstance
    now: Now
    say: Callable[[str], object] = print
    _lock: Lock = field(default_factory=Lock, repr=False)
    _text: str = ""
    _until: float = 0.0
    _problems: dict[str, str] = field(default_factory=dict)

    def text(self) -> str:
        """Return the numbers in the text format of Prometheus; scrapes at once share them."""
        with self._lock:
            if time.monotonic() >= self._until:
                self._collect()
            return self._text

    def _collect(self) -> None:
        started = time.monotonic()
        samples = list(self._samples())
        took = time.monotonic() - started
        samples += [measures.COLLECTED(self.now()), measures.COLLECT_SECONDS(took)]
        self._text = exposition(samples)
        pause = max(SHORTEST_PAUSE.total_seconds(), PAUSES * took)
        self._until = started + took + pause

    def _samples(self) -> Samples:
        for name, part in self._parts().items():
            try:
                yield from list(part())
            except Exception as error:  # whatever it is, the other parts are still watched
                yield measures.PART_FAILED(1, name)
                self._note(name, f"{name}: {error}")
            else:
                yield measures.PART_FAILED(0, name)
                self._note(name, "")

    def _note(self, name: str, problem: str) -> None:
        if problem and problem != self._problems.get(name):
            self.say(problem)
        self._problems[name] = problem

    def _parts(self) -> Mapping[str, Part]:
        settings, now = self.settings, self.now()
        return {
            "tables": lambda: data.tables(settings, _due(settings, now)),
            "sources": lambda: data.sources(settings, _due(settings, now)),
            "snapshot": lambda: data.snapshot(settings, _due(settings, now)),
            "drift": lambda: models.drift(settings),
            "champion": lambda: models.champion(settings),
            "live_quality": lambda: models.live_quality(settings),
            "runs": lambda: work.runs(self.instance),
            "alerts": lambda: work.alerts(settings, now),
            "ledger": lambda: work.ledger(settings),
            "stream": lambda: work.stream(settings),
            "disk": lambda: _disk(settings),
        }


def _due(settings: Settings, now: datetime) -> datetime:
    """Return up to when data is due; files that no run has read yet are due now."""
    return data_due(settings, now) or now


def _disk(settings: Settings) -> Samples:
    existing = next(it for it in (settings.root, *settings.root.parents) if it.exists())
    usage = shutil.disk_usage(existing)
    yield measures.DISK_FREE(usage.free)
    yield measures.DISK_SIZE(usage.total)
    for folder in sorted(settings.root.glob("[!.]*/")):
        if folder.is_dir():
            yield measures.HOME_BYTES(work.size_of(folder), folder.name)
