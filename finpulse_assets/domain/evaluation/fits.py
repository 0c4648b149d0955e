"""Fits that are not done again: one for each recipe and the rows that it was fitted on.

A fitted candidate is plain files, and those that were kept predict what a new fit would predict, to
the last bit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Protocol

import polars as pl

from finpulse_assets.domain.evaluation.splits import Fold
from finpulse_assets.domain.models.candidate import CARD_FILE, Candidate, Fitted
from finpulse_assets.domain.models.identity import content_hash
from finpulse_assets.domain.models.registry import family_of
from finpulse_assets.domain.seal import as_json


class KeptFits(Protocol):
    """Where the files of fits are kept by key."""

    def get(self, key: str) -> Mapping[str, str] | None:
        """Return the files that were put under a key, None where there are none."""
        ...

    def put(self, key: str, files: Mapping[str, str]) -> None:
        """Keep the files of a fit."""
        ...


class Fits:
    """The fits of one training frame: kept ones, or new ones."""

    def __init__(self, frame: pl.DataFrame, kept: KeptFits | None = None) -> None:
        """Take the training frame in values, and where fits are kept, if anywhere."""
        self._frame, self._kept = frame, kept
        self._hashes: dict[tuple, str] = {}

    def of(self, candidate: Candidate, fold: Fold, train: pl.DataFrame) -> Fitted:
        """Return the candidate fitted on the training sessions of a fold.

        Args:
            candidate: the recipe.
            fold: whose training sessions.
            train: their rows, in the candidate's scale.
        """
        if self._kept is None:
            return candidate.fit(train)
        key = self._key(candidate, fold)
        files = self._kept.get(key)
        if files is not None:
            return family_of(files[CARD_FILE]).from_files(files)
        fitted = candidate.fit(train)
        self._kept.put(key, fitted.files())
        return fitted

    def _key(self, candidate: Candidate, fold: Fold) -> str:
        days = fold.train_sessions
        if days not in self._hashes:
            rows = self._frame.filter(pl.col("session_date").is_in(days))
            self._hashes[days] = content_hash(rows)
        parts = {
            "name": candidate.name,
            "recipe": dict(candidate.recipe()),
            "rows": self._hashes[days],
        }
        return hashlib.sha256(as_json(parts).encode()).hexdigest()[:32]
