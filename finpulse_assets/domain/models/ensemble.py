"""The ensemble: what several candidates say, weighed by how well they ranked what has matured.

Members state probabilities of unlike spread, so each is brought to one: the ensemble's probit is
the weighted mean of theirs in units of what each has stated so far. Probability and expected return
are made of the same sum and never contradict each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl

from finpulse_assets.domain.models.candidate import Candidate, Scale
from finpulse_assets.domain.models.ensemble_model import EnsembleModel, per_probit, union
from finpulse_assets.domain.models.member_weights import (
    CEILING,
    FLOOR,
    HALF_LIFE_SESSIONS,
    TRUSTED_SESSIONS,
    member_weights,
    probits,
)
from finpulse_assets.domain.models.served import Served
from finpulse_assets.errors import EvaluationError


@dataclass(frozen=True)
class Ensemble:
    """Several candidates as one, which is made of what they predict and never shown a frame."""

    name: str
    members: tuple[Candidate, ...]
    is_baseline: bool = False
    scale: ClassVar[Scale] = "members"

    @property
    def features(self) -> tuple[str, ...]:
        return union(it.features for it in self.members)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(it.name for it in self.members)

    def recipe(self) -> dict[str, object]:
        return {
            "family": "ensemble",
            "members": {it.name: dict(it.recipe()) for it in self.members},
            "rule": [HALF_LIFE_SESSIONS, TRUSTED_SESSIONS, FLOOR, CEILING],
        }

    def rows(self, predictions: pl.DataFrame, times: pl.DataFrame) -> pl.DataFrame:
        """Return what the ensemble says out of sample, each row of its session's weights.

        Args:
            predictions: of the members, in the columns of schemas.OUT_OF_SAMPLE.
            times: ticker, session_date, decision_at and exit_at (UTC) of each row.

        Raises:
            EvaluationError: a member has other rows than the first.
        """
        from scipy.special import ndtr

        known = member_weights(self._timed(predictions, times), self.names)
        keys = ["session_date", "ticker"]
        first = predictions.filter(candidate=self.names[0])
        shown = first.drop("probability_up", "score", "predicts_up", "expected_return").sort(keys)
        at = known.days.search_sorted(shown["session_date"]).to_numpy()
        weights, sizes = known.weights[at], known.sizes[at]
        stated = np.column_stack([
            probits(predictions.filter(candidate=it).sort(keys)["probability_up"].to_numpy())
            for it in self.names
        ])  # fmt: skip
        score = (per_probit(weights, sizes) * stated).sum(axis=1)
        expected = (weights * known.return_sizes[at]).sum(axis=1) * score
        return shown.with_columns(
            probability_up=pl.Series(ndtr((weights * sizes).sum(axis=1) * score)),
            score=pl.Series(score),
            predicts_up=pl.Series(score >= 0),
            expected_return=pl.Series(expected),
            candidate=pl.lit(self.name),
        ).select(predictions.columns)

    def of(
        self, models: Mapping[str, Served], predictions: pl.DataFrame, times: pl.DataFrame
    ) -> EnsembleModel:
        """Return the model of the members' models, with the weights after all predictions.

        Args:
            models: the members' models by name.
            predictions: as `rows` takes them.
            times: as `rows` takes them.

        Raises:
            EvaluationError: a member has other rows than the first.
        """
        known = member_weights(self._timed(predictions, times), self.names)
        return EnsembleModel(
            self.names,
            tuple(known.weights[-1].tolist()),
            tuple(known.sizes[-1].tolist()),
            tuple(known.return_sizes[-1].tolist()),
            tuple(models[name] for name in self.names),
        )

    def _timed(self, predictions: pl.DataFrame, times: pl.DataFrame) -> pl.DataFrame:
        sizes = {it: predictions.filter(candidate=it).height for it in self.names}
        if len(set(sizes.values())) > 1 or not all(sizes.values()):
            counts = ", ".join(f"{name} {count:,}" for name, count in sizes.items())
            raise EvaluationError(
                f"the members of {self.name} have unlike numbers of predictions: {counts}",
                hint="materialize models/out_of_sample_predictions",
            )
        own = predictions.filter(pl.col("candidate").is_in(self.names))
        when = times.select("ticker", "session_date", "decision_at", "exit_at")
        return own.join(when, on=["ticker", "session_date"], how="left")
