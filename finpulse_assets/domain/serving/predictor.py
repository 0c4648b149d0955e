"""The predictor: the champion with the online features, and what it says of symbols and rows.

All that a service knows of a model stands here; `answering` goes from bytes to bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from finpulse_assets.domain.models.inputs import feature_matrix
from finpulse_assets.domain.models.registry import Model
from finpulse_assets.domain.models.served import RowPredictor
from finpulse_assets.domain.predictions.signals import direction
from finpulse_assets.domain.serving.answer import (
    CONTRADICTION,
    DELISTED,
    FEATURES_STALE,
    MODEL_EXPIRED,
    NO_PROVEN_SKILL,
    TARGET_OPENED,
    Status,
)
from finpulse_assets.domain.serving.request import shown
from finpulse_assets.domain.serving.staleness import MODEL_LIFE_SESSIONS, Openings
from finpulse_assets.errors import RequestError

NEAREST = 3
NO_ROW: dict[str, Any] = {"symbol": None, "as_of": None, "target_session_date": None}


class UnknownSymbolError(RequestError):
    """The symbol has no published features."""


@dataclass(frozen=True)
class Predictor:
    """The champion with the online features: everything an answer needs.

    Attributes:
        model: the champion.
        model_version: its candidate id.
        is_proven: whether it passed the promotion gate.
        online: `ONLINE_FEATURES`.
        openings: of the sessions since the champion was trained and since the oldest features.
    """

    model: Model
    model_version: str
    is_proven: bool
    online: pl.DataFrame
    openings: Openings

    def of_rows(
        self, matrix: np.ndarray, now: datetime, *, with_reasons: bool = False
    ) -> Iterator[dict[str, Any]]:
        """Yield what is answered for each feature row: an `Answer` without its id and times.

        Args:
            matrix: the features in the model's order, float64 (rows, features), NaN for unknown.
            now: UTC.
            with_reasons: explain each, which costs several times the prediction.
        """
        moved = self.reasons_of(matrix) if with_reasons else None
        advice = self._advice_on_model(now)
        for at, said in enumerate(self._said(matrix)):
            against = [*advice, *self._contradiction(said)]
            yield (
                NO_ROW
                | said
                | self._model_members
                | {
                    "reasons": moved and moved[at],
                    "sessions_behind": None,
                    "abstain": bool(against),
                    "abstain_reasons": against,
                }
            )

    def of_symbols(self, now: datetime) -> Iterator[dict[str, Any]]:
        """Yield what is answered for each symbol: an `Answer` without its id and times."""
        advice = self._advice_on_model(now)
        for symbol, row in self.rows.items():
            said = self._symbol_members[symbol]
            behind = self.openings.since(row["session_date"], now)
            against = [DELISTED] if row["delisted_date"] is not None else []
            against += [TARGET_OPENED] if behind else []
            against += [FEATURES_STALE] if behind > 1 else []
            against += [*advice, *self._contradiction(said)]
            yield said | {
                "sessions_behind": behind,
                "abstain": bool(against),
                "abstain_reasons": against,
            }

    def reasons_of(self, matrix: np.ndarray) -> list[list[str]]:
        """Return for each row what moved the model most, the strongest first."""
        frame = pl.DataFrame(matrix, schema=list(self.model.features), orient="row")
        said = self.model.reasons(frame, self._peers)
        return [[] if line == "none" else line.split(", ") for line in said]

    def features_of(self, symbol: str) -> dict[str, float | None]:
        """Return what the model reads for a known symbol, by name."""
        return {name: self.rows[symbol][name] for name in self.model.features}

    def judge(self, now: datetime) -> Status:
        """Return how old features and model are at `now` (UTC)."""
        listed = [row for row in self.rows.values() if row["delisted_date"] is None]
        newest = max(self.rows.values(), key=lambda row: row["session_date"])
        behind = self.openings.since(newest["session_date"], now)
        return Status(
            model_version=self.model_version,
            is_proven=self.is_proven,
            trained_to=self.model.trained_to,
            sessions_since_training=self.openings.since(self.model.trained_to, now),
            is_expired=self._is_expired(now),
            model_expires_at=self.openings.expiry_of(self.model.trained_to),
            feature_count=len(self.model.features),
            features_as_of=newest["decision_at"],
            features_age_seconds=(now - newest["decision_at"]).total_seconds(),
            sessions_behind=behind,
            is_stale=behind > 0,
            symbol_count=len(self.rows),
            stale_symbol_count=sum(
                self.openings.since(row["session_date"], now) > 0 for row in listed
            ),
        )

    def unknown(self, symbol: str) -> UnknownSymbolError:
        """Return the refusal of a symbol without features."""
        known = self.symbols
        near = get_close_matches(symbol[:16], known, n=NEAREST, cutoff=0.3) or known[:NEAREST]
        return UnknownSymbolError(
            f"the symbol {shown(symbol)} is unknown, {len(known)} symbols have features",
            hint=f"the nearest are {', '.join(near)}",
        )

    @property
    def symbols(self) -> list[str]:
        return list(self.rows)

    @cached_property
    def rows(self) -> dict[str, dict[str, Any]]:
        """Return the online features by symbol."""
        return {row["ticker"]: row for row in self.online.iter_rows(named=True)}

    @cached_property
    def _peers(self) -> pl.DataFrame:
        """The tickers of the newest session, among which a row takes its place."""
        return self.online.filter(pl.col("session_date") == pl.col("session_date").max())

    @cached_property
    def _predict(self) -> RowPredictor:
        return self.model.row_predictor(self._peers)

    @cached_property
    def _symbol_members(self) -> dict[str, dict[str, Any]]:
        """Return what holds of each symbol whatever the clock says."""
        matrix = feature_matrix(self.online, self.model.features)
        said = self._said(matrix)
        moved = self.reasons_of(matrix)
        return {
            symbol: {
                "symbol": symbol,
                **numbers,
                **self._model_members,
                "reasons": reasons,
                "as_of": row["decision_at"],
                "target_session_date": (self.openings.target_of(row["session_date"]) or (None,))[0],
            }
            for (symbol, row), numbers, reasons in zip(self.rows.items(), said, moved, strict=True)
        }

    @cached_property
    def _model_members(self) -> dict[str, Any]:
        return {
            "model_version": self.model_version,
            "model_expires_at": self.openings.expiry_of(self.model.trained_to),
            "features_used": len(self.model.features),
        }

    def _said(self, matrix: np.ndarray) -> list[dict[str, Any]]:
        """Return what the model says of each row, in JSON's types."""
        probability, expected_return = self._predict(matrix)
        found = self.model.bounds(probability)
        unknown = [None] * len(probability)
        bounds = [unknown, unknown] if found is None else [it.tolist() for it in found]
        return [
            {
                "prediction": direction(p),
                "probability": p,
                "confidence": abs(p - 0.5) * 2,
                "interval": None if lower is None else {"lower": lower, "upper": upper},
                "expected_return": r,
            }
            for p, r, lower, upper in zip(
                probability.tolist(), expected_return.tolist(), *bounds, strict=True
            )
        ]

    def _contradiction(self, said: dict[str, Any]) -> Sequence[str]:
        is_one = (said["prediction"] == "up") == (said["expected_return"] >= 0)
        return () if is_one else (CONTRADICTION,)

    def _advice_on_model(self, now: datetime) -> list[str]:
        expired = [MODEL_EXPIRED] if self._is_expired(now) else []
        return expired + ([] if self.is_proven else [NO_PROVEN_SKILL])

    def _is_expired(self, now: datetime) -> bool:
        return self.openings.since(self.model.trained_to, now) > MODEL_LIFE_SESSIONS
