"""A model store of one champion, for assets that ask which one is in force and for its card."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import SimpleNamespace

from finpulse_assets.domain.models.candidate import CARD_FILE
from finpulse_assets.domain.seal import as_json
from finpulse_assets.gateways.models.model_store import ModelStore
from finpulse_assets.gateways.models.sealed_folder import MANIFEST

CHAMPION = "c" * 16


@dataclass(frozen=True)
class OneChampion(ModelStore):
    """The champion was trained on the days given; without one, no decision was made yet."""

    root: Path = Path()
    trained_from: date | None = None
    trained_to: date | None = None
    is_there: bool = True

    def promotion(self) -> SimpleNamespace | None:
        champion = SimpleNamespace(candidate_id=CHAMPION)
        return SimpleNamespace(champion=champion) if self.is_there else None

    def load(self, candidate_id: str) -> SimpleNamespace:
        return SimpleNamespace(trained_from=self.trained_from, trained_to=self.trained_to)


def put_card(root: Path, candidate_id: str, *, family: str) -> None:
    """Let a model of a family lie in a store, as far as its card tells."""
    folder = root / candidate_id
    folder.mkdir(parents=True)
    (folder / CARD_FILE).write_text(as_json({"family": family, "trained_to": "2024-06-28"}))
    (folder / MANIFEST).write_text("{}")
