"""MLflow as the model assets see it, in memory."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class InMemoryTracking:
    """A run and a registry: versions by candidate, aliases, and what was logged."""

    versions: dict[str, str] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    evaluations: list[dict[str, float]] = field(default_factory=list)
    trainings: list[dict[str, object]] = field(default_factory=list)

    def store(self) -> InMemoryTracking:
        return self

    def log_candidate(self, folder: Path, *, candidate_id: str, **logged: object) -> str:
        assert folder.is_dir()
        version = self.versions.setdefault(candidate_id, str(len(self.versions) + 1))
        self.aliases["challenger"] = candidate_id
        return version

    def log_evaluation(
        self, metrics: Mapping[str, float], plots: Mapping[str, bytes], tags: Mapping[str, str]
    ) -> None:
        self.evaluations.append(dict(metrics))

    def log_training(self, name: str, report: Mapping[str, object]) -> None:
        self.trainings.append({"name": name, **report})

    def promote(self, candidate_id: str, *, verdict: str) -> None:
        assert candidate_id in self.versions
        self.aliases["champion"] = candidate_id

    def prune(self, kept: Collection[str]) -> list[str]:
        gone = [version for name, version in self.versions.items() if name not in kept]
        self.versions = {name: it for name, it in self.versions.items() if name in kept}
        return gone
