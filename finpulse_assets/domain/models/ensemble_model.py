"""The fitted ensemble: its members' models and what they weigh, in one set of files.

How the weights come about stands in `member_weights`, the candidate in `ensemble`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from finpulse_assets.domain.models.band import Band
from finpulse_assets.domain.models.calibration import Calibration
from finpulse_assets.domain.models.candidate import CARD_FILE
from finpulse_assets.domain.models.families import MEMBERS, family_among
from finpulse_assets.domain.models.inputs import feature_matrix
from finpulse_assets.domain.models.member_weights import probits
from finpulse_assets.domain.models.sentiment_head import SentimentHead
from finpulse_assets.domain.models.served import RowPredictor, Served, importance_of, strongest
from finpulse_assets.domain.models.training_range import TrainingRange
from finpulse_assets.domain.seal import REBUILD, as_json, parse_json
from finpulse_assets.errors import ModelError

LISTS = ("members", "weights", "sizes", "return_sizes")
_NO_CARD = f"{CARD_FILE} does not describe an ensemble: {{0!r}}"


@dataclass(frozen=True)
class EnsembleModel(Served):
    """A fitted ensemble: its members' models and what they weigh at the end of the evaluation.

    Attributes:
        members: their names, in the order of the lists that follow.
        weights: sum to 1.
        sizes: root mean square of the probits that each member stated out of sample.
        return_sizes: the same of its expected returns, fractions.
        models: the members' models.
    """

    members: tuple[str, ...]
    weights: tuple[float, ...]
    sizes: tuple[float, ...]
    return_sizes: tuple[float, ...]
    models: tuple[Served, ...]
    calibration: Calibration | None = None
    band: Band | None = None
    training_range: TrainingRange | None = None
    sentiment_head: SentimentHead | None = None
    candidate_id: str = ""
    sentiment_fingerprint: str = ""

    @cached_property
    def features(self) -> tuple[str, ...]:
        """Return the inputs of all members, each once."""
        return union(it.features for it in self.models)

    @property
    def plan(self) -> dict[str, Any]:
        """What the members weigh."""
        return {f"weight_{name}": it for name, it in zip(self.members, self.weights, strict=True)}

    @property
    def packages(self) -> tuple[str, ...]:
        return union(it.packages for it in self.models)

    @property
    def trained_from(self) -> date:
        return min(it.trained_from for it in self.models)

    @property
    def trained_to(self) -> date:
        return max(it.trained_to for it in self.models)

    @property
    def row_count(self) -> int:
        return max(it.row_count for it in self.models)

    @property
    def up_rate(self) -> float:
        return self.models[0].up_rate  # all members saw the same rows

    def predict(
        self, frame: pl.DataFrame, peers: pl.DataFrame | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return (probability_up, expected_return), float64 of shape (rows,) each; signs agree.

        Args:
            frame: the members' features by name, numeric, null or NaN where unknown.
            peers: rows of one session among which each row takes its place; by default the rows of
                `frame` that have the same session_date.

        Raises:
            ModelError: a frame lacks a feature, or a feature is no number.
        """
        return self._stated([it.predict(frame, peers)[0] for it in self.models])

    def row_predictor(self, peers: pl.DataFrame) -> RowPredictor:
        """Return `predict` for matrices; see `served.Served.row_predictor`."""
        predictors = [it.row_predictor(peers) for it in self.models]
        columns = [[self.features.index(name) for name in it.features] for it in self.models]

        def predict(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            parts = zip(predictors, columns, strict=True)
            return self._stated([of(matrix[:, at])[0] for of, at in parts])

        return predict

    def reasons(
        self, frame: pl.DataFrame, peers: pl.DataFrame | None = None, *, top: int = 3
    ) -> list[str]:
        """Return for each row the features that moved its probit most, signed, largest first.

        Raises:
            ModelError: a frame lacks a feature, or a feature is no number.
        """
        return strongest(self.features, self.moves(frame, peers), top)

    def moves(self, frame: pl.DataFrame, peers: pl.DataFrame | None = None) -> np.ndarray:
        """Return what each feature adds to the probit; see `served.Served.moves`."""
        feature_matrix(frame.head(1), self.features)  # the words for what is missing
        added = np.zeros((frame.height, len(self.features)))
        scale = float(np.array(self.weights) @ np.array(self.sizes))
        for model, weight in zip(self.models, self._per_probit, strict=True):
            at = [self.features.index(name) for name in model.features]
            added[:, at] += scale * weight * model.moves(frame, peers)
        return added

    def importance(self) -> pl.DataFrame:
        """Return feature, gain_share (0 to 1, sums to 1) and is_text, strongest first.

        The share is the weighted mean of the members'.
        """
        size = dict.fromkeys(self.features, 0.0)
        for model, weight in zip(self.models, self.weights, strict=True):
            for name, share in model.importance().select("feature", "gain_share").iter_rows():
                size[name] += weight * share
        return importance_of(self.features, np.array(list(size.values())))

    def files(self) -> dict[str, str]:
        """Return the model as text files by name, the members' after their names."""
        card = {
            "family": "ensemble",
            **{name: getattr(self, name) for name in LISTS},
            "files": {
                name: sorted(model.files())
                for name, model in zip(self.members, self.models, strict=True)
            },
            "trained_to": self.trained_to.isoformat(),
            **self._served_card(),
        }
        texts = {
            f"{member}.{name}": text
            for member, model in zip(self.members, self.models, strict=True)
            for name, text in model.files().items()
        }
        return {**texts, CARD_FILE: as_json(card)}

    @classmethod
    def file_names(cls, card: str) -> tuple[str, ...]:
        """Return the names of the files of an ensemble and its members.

        Raises:
            ModelError: the card is not that of an ensemble.
        """
        try:
            held = parse_json(CARD_FILE, card)["files"].items()
            return (*(f"{member}.{it}" for member, names in held for it in names), CARD_FILE)
        except (KeyError, TypeError, AttributeError) as error:
            raise ModelError(_NO_CARD.format(error), hint=REBUILD) from error

    @classmethod
    def from_files(cls, texts: Mapping[str, str]) -> EnsembleModel:
        """Return the model whose `files` these are.

        Raises:
            ModelError: they are not the files of an ensemble.
        """
        card = parse_json(CARD_FILE, texts[CARD_FILE])
        try:
            held = {
                member: {name: texts[f"{member}.{name}"] for name in card["files"][member]}
                for member in card["members"]
            }
            return cls(
                **{name: tuple(card[name]) for name in LISTS},
                models=tuple(
                    family_among(MEMBERS, it[CARD_FILE]).from_files(it) for it in held.values()
                ),
                **cls._served_fields(card),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(_NO_CARD.format(error), hint=REBUILD) from error

    @property
    def _per_probit(self) -> np.ndarray:
        """What each member's probit is multiplied by in the score."""
        return per_probit(np.array(self.weights), np.array(self.sizes))

    def _stated(self, probabilities: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        from scipy.special import ndtr

        weights = np.array(self.weights)
        score = sum(
            weight * probits(it) for weight, it in zip(self._per_probit, probabilities, strict=True)
        )
        scale, return_scale = weights @ np.array(self.sizes), weights @ np.array(self.return_sizes)
        return ndtr(scale * score), return_scale * score


def per_probit(weights: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Return what each member's probit counts in the score; 0 for one that states 0.5 alone."""
    return np.divide(weights, sizes, out=np.zeros_like(weights), where=sizes > 0)


def union(names: Iterable[Iterable[str]]) -> tuple[str, ...]:
    """Return each name once, in the order of its first mention."""
    return tuple(dict.fromkeys(name for some in names for name in some))
