"""A model store of one champion, for assets that ask which one is in force and for its card."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import SimpleNamespace

from finpulse_assets.gateways.models.model_store import ModelStore


@dataclass(frozen=True)
class OneChampion(ModelStore):
    """The champion was trained on the days given; without one, no decision was made yet."""

    root: Path = Path()
    trained_from: date | None = None
    trained_to: date | None = None
    is_there: bool = True

    def promotion(self) -> SimpleNamespace | None:
        champion = SimpleNamespace(candidate_id="c" * 16)
        return SimpleNamespace(champion=champion) if self.is_there else None

    def load(self, candidate_id: str) -> SimpleNamespace:
        return SimpleNamespace(trained_from=self.trained_from, trained_to=self.trained_to)
