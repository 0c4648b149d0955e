"""The model store: sealed price models in folders, and the pointers that name two of them.

Where a fitted model lies and which one is challenger or champion.

Layout: `<models>/price/<candidate_id>/` sealed, `<models>/price/challenger.json` and
`<models>/price/promotion.json`. A folder is complete or does not open, a pointer is replaced by
rename, so a kill leaves the old state or the new one.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from finpulse_assets.domain.evaluation.promotion import Promotion
from finpulse_assets.domain.models.lightgbm_model import PriceModel
from finpulse_assets.errors import ModelError
from finpulse_assets.gateways.atomic import write_json, written_atomically
from finpulse_assets.gateways.models.price_model_folder import load_model, save_model

ID_LENGTH = 16


@dataclass(frozen=True)
class ModelStore:
    """The price models below `root`."""

    root: Path

    def folder(self, candidate_id: str) -> Path:
        return self.root / candidate_id

    def save_challenger(self, model: PriceModel) -> str:
        """Keep `model` and make it the challenger; return its candidate id."""
        candidate_id = model.fingerprint[:ID_LENGTH]
        save_model(model, self.folder(candidate_id))
        write_json(self.root / "challenger.json", {"candidate_id": candidate_id})
        return candidate_id

    def challenger(self) -> str:
        """Return the candidate id of the challenger.

        Raises:
            ModelError: there is none yet.
        """
        path = self.root / "challenger.json"
        if not path.exists():
            raise ModelError("there is no price model yet", hint="materialize models/price_model")
        try:
            return json.loads(path.read_text())["candidate_id"]
        except (ValueError, KeyError, TypeError) as error:
            raise ModelError(
                f"{path} names no candidate: {error!r}",
                hint="delete it and materialize models/price_model",
            ) from error

    def load(self, candidate_id: str) -> PriceModel:
        """Return a model, every file checked; see `load_model`."""
        return load_model(self.folder(candidate_id))

    @property
    def promotion_path(self) -> Path:
        return self.root / "promotion.json"

    def agree(self, one: str, other: str) -> bool:
        """Return whether two models read the scores of the same sentiment model."""
        return self.load(one).sentiment_fingerprint == self.load(other).sentiment_fingerprint

    def promotion(self) -> Promotion | None:
        """Return the last decision, None before the first."""
        path = self.promotion_path
        return Promotion.from_json(path.read_text()) if path.exists() else None

    def keep_promotion(self, promotion: Promotion) -> Path:
        """Keep a decision; whoever asks for the champion sees it from now on."""
        path = self.promotion_path
        with written_atomically(path) as temporary:
            temporary.write_text(promotion.to_json())
        return path
