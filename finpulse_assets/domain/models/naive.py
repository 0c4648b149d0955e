"""Naive guesses as candidates: what every model has to beat."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import ClassVar

import polars as pl

from finpulse_assets.domain.models.candidate import CARD_FILE, Scale
from finpulse_assets.domain.seal import REBUILD, as_json, parse_json
from finpulse_assets.errors import ModelError

MAJORITY, ALWAYS_UP, PERSISTENCE = "majority", "always_up", "persistence"
REVERSAL, MOMENTUM = "reversal", "momentum"
# The return that a guess continues or turns; the others read no input.
INPUTS = {PERSISTENCE: "return_1d", REVERSAL: "return_1d", MOMENTUM: "return_20d"}


@dataclass(frozen=True)
class NaiveModel:
    """A naive guess after its training rows; `up_rate` is their share of up moves."""

    FILES: ClassVar[tuple[str, ...]] = (CARD_FILE,)

    rule: str
    up_rate: float

    def forecast(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return what the guess says about each row; see `candidate.Fitted`.

        - majority: the more frequent class in training, with its frequency as probability.
        - always_up: up.
        - persistence, momentum: the next session goes as the last one, or the last 20, did
          (sign of return_1d, return_20d). An unknown return counts as 0, and 0 as up.

        - reversal: it goes against the last session.

        >>> frame = pl.DataFrame({"return_1d": [0.01, -0.02, None]})
        >>> NaiveModel("persistence", 0.5).forecast(frame)["predicts_up"].to_list()
        [True, False, True]
        """
        score, threshold = self._score(frame)
        none = pl.lit(None)
        return frame.select(score=score).select(
            (pl.col("score") if self.rule == MAJORITY else none)
            .cast(pl.Float64)
            .alias("probability_up"),
            "score",
            predicts_up=pl.col("score") >= threshold,
            expected_return=none.cast(pl.Float64),
        )

    def _score(self, frame: pl.DataFrame) -> tuple[pl.Expr, float]:
        if self.rule not in INPUTS:
            constant = self.up_rate if self.rule == MAJORITY else 1.0
            return pl.repeat(constant, pl.len(), dtype=pl.Float64), 0.5
        name = INPUTS[self.rule]
        if name not in frame.columns:
            raise ModelError(
                f"the frame lacks {name}, which the candidate {self.rule} reads",
                hint="build it from fct_daily_features",
            )
        last = pl.col(name).cast(pl.Float64).fill_nan(None).fill_null(0.0)
        return (-last if self.rule == REVERSAL else last), 0.0

    def files(self) -> dict[str, str]:
        """Return the guess as one file."""
        return {CARD_FILE: as_json({"family": "naive", **asdict(self)})}

    @classmethod
    def from_files(cls, texts: Mapping[str, str]) -> NaiveModel:
        """Return the guess whose `files` these are.

        Raises:
            ModelError: they are not.
        """
        card = parse_json(CARD_FILE, texts[CARD_FILE])
        try:
            return cls(card["rule"], float(card["up_rate"]))
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(
                f"{CARD_FILE} does not describe a naive guess: {error!r}", hint=REBUILD
            ) from error


@dataclass(frozen=True)
class Naive:
    """A naive guess as a candidate."""

    name: str
    is_baseline: bool = True
    scale: ClassVar[Scale] = "values"

    def recipe(self) -> dict[str, object]:
        return {"family": "naive", "rule": self.name}

    def fit(self, frame: pl.DataFrame) -> NaiveModel:
        """Remember the up-rate of the training rows."""
        return NaiveModel(self.name, float(frame["is_up"].mean()))
