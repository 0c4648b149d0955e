"""The predictor: the champion with the online features, and what it says of symbols and rows.

All that a service knows of a model stands here; `answering` goes from bytes to bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from functools import cached_property
from math import isnan
from typing import Any

import numpy as np
import polars as pl

from finpulse_assets.domain.models.inputs import feature_matrix
from finpulse_assets.domain.models.registry import Model
from finpulse_assets.domain.models.served import RowPredictor
from finpulse_assets.domain.serving.answer import (
    DELISTED,
    FEATURES_STALE,
    MODEL_EXPIRED,
    NO_PROVEN_SKILL,
    TARGET_OPENED,
    Fresh,
    Status,
)
from finpulse_assets.domain.serving.request import shown
from finpulse_assets.domain.serving.said import close_of, doubts, reasons_in, said_of
from finpulse_assets.domain.serving.staleness import MODEL_LIFE_SESSIONS, Openings
from finpulse_assets.errors import RequestError

NEAREST = 3
NO_ROW: dict[str, Any] = dict.fromkeys(
    ("symbol", "as_of", "target_session_date", "expected_close", "expected_close_interval")
)
SIGNAL_STRENGTH = "signal_strength"


class UnknownSymbolError(RequestError):
    """The symbol has no published features."""


@dataclass(frozen=True)
class Predictor:
    """The champion with the online features: everything an answer needs.

    Attributes:
        model: the champion.
        model_version: its candidate id.
        skills: what it has proven, by name (`skill.NAMES`), nothing where it abstains.
        online: `ONLINE_FEATURES`.
        openings: of the sessions since the champion was trained and since the oldest features.
        texts: `RECENT_TEXTS`, to be read beside the answers.
    """

    model: Model
    model_version: str
    skills: tuple[str, ...]
    online: pl.DataFrame
    openings: Openings
    texts: pl.DataFrame

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
        strengths, unlike = self._strengths_in(matrix), self.model.is_unlike_training(matrix)
        for at, (said, is_unlike) in enumerate(
            zip(said_of(self.model, *self._predict(matrix)), unlike.tolist(), strict=True)
        ):
            against = [*advice, *doubts(said, is_unlike)]
            yield {
                **NO_ROW,
                **said,
                **self._model_members,
                SIGNAL_STRENGTH: strengths[at],
                "reasons": moved and moved[at],
                "sessions_behind": None,
                "abstain": bool(against),
                "abstain_reasons": against,
            }

    def of_symbols(self, now: datetime) -> Iterator[dict[str, Any]]:
        """Yield what is answered for each symbol: an `Answer` without its id and times."""
        for symbol, row in self.rows.items():
            said, is_unlike = self._symbol_members[symbol]
            yield said | self._advice(row, said, now, is_unlike=is_unlike)

    def of_session(
        self, rows: pl.DataFrame, symbol: str, now: datetime, *, close: float | None, fresh: Fresh
    ) -> dict[str, Any]:
        """Return what is answered for a symbol from the rows of its session, as a batch predicts.

        Args:
            rows: fct_daily_features of one session, of every ticker.
            symbol: one of them, which has online features too.
            now: UTC.
            close: of that session, where it was sent.
            fresh: what was sent.
        """
        at = rows["ticker"].to_list().index(symbol)
        row, online = rows.row(at, named=True), self.rows[symbol]
        said = said_of(self.model, *self.model.predict(rows))[at]
        day, moved = row["session_date"], self.model.reasons(rows)[at]
        known = online["close"] if online["session_date"] == day else None
        unlike = self.model.is_unlike_training(feature_matrix(rows, self.model.features))
        standing = {"delisted_date": online["delisted_date"], "session_date": day}
        return {
            "symbol": symbol,
            **said,
            **close_of(close or known, said),
            **self._model_members,
            SIGNAL_STRENGTH: row[SIGNAL_STRENGTH],
            "fresh_inputs": fresh.model_dump(),
            "reasons": reasons_in(moved),
            "as_of": row["decision_at"],
            "target_session_date": (self.openings.target_of(day) or (None,))[0],
            **self._advice(standing, said, now, is_unlike=bool(unlike[at])),
        }

    def reasons_of(self, matrix: np.ndarray) -> list[list[str]]:
        """Return for each row what moved the model most, the strongest first."""
        frame = pl.DataFrame(matrix, schema=list(self.model.features), orient="row")
        said = self.model.reasons(frame, self._peers)
        return [reasons_in(line) for line in said]

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
            skills=list(self.skills),
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
    def is_proven(self) -> bool:
        """Whether the champion has proven any skill."""
        return bool(self.skills)

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
    def _symbol_members(self) -> dict[str, tuple[dict[str, Any], bool]]:
        """Return what holds of each symbol whatever the clock says, and if it is like no other."""
        matrix = feature_matrix(self.online, self.model.features)
        said = said_of(self.model, *self._predict(matrix))
        moved, unlike = self.reasons_of(matrix), self.model.is_unlike_training(matrix).tolist()
        members = [
            {
                "symbol": symbol,
                **numbers,
                **close_of(row["close"], numbers),
                **self._model_members,
                SIGNAL_STRENGTH: row[SIGNAL_STRENGTH],
                "reasons": reasons,
                "as_of": row["decision_at"],
                "target_session_date": (self.openings.target_of(row["session_date"]) or (None,))[0],
            }
            for (symbol, row), numbers, reasons in zip(self.rows.items(), said, moved, strict=True)
        ]
        return dict(zip(self.rows, zip(members, unlike, strict=True), strict=True))

    @cached_property
    def _model_members(self) -> dict[str, Any]:
        return {
            "skills": self.skills,
            "model_version": self.model_version,
            "model_expires_at": self.openings.expiry_of(self.model.trained_to),
            "features_used": len(self.model.features),
        }

    def _advice(
        self, row: Mapping[str, Any], said: dict[str, Any], now: datetime, *, is_unlike: bool
    ) -> dict[str, Any]:
        """Return whether to act on what is said of a symbol, every reason why not.

        Of `row`, its online features, session_date and delisted_date are read.
        """
        behind = self.openings.since(row["session_date"], now)
        against = [DELISTED] if row["delisted_date"] is not None else []
        against += [TARGET_OPENED] if behind else []
        against += [FEATURES_STALE] if behind > 1 else []
        against += [*self._advice_on_model(now), *doubts(said, is_unlike)]
        return {
            "sessions_behind": behind,
            "abstain": bool(against),
            "abstain_reasons": against,
        }

    def _strengths_in(self, matrix: np.ndarray) -> list[float | None]:
        if SIGNAL_STRENGTH not in self.model.features:
            return [None] * len(matrix)
        values = matrix[:, self.model.features.index(SIGNAL_STRENGTH)].tolist()
        return [None if isnan(value) else value for value in values]

    def _advice_on_model(self, now: datetime) -> list[str]:
        expired = [MODEL_EXPIRED] if self._is_expired(now) else []
        return expired + ([] if self.is_proven else [NO_PROVEN_SKILL])

    def _is_expired(self, now: datetime) -> bool:
        return self.openings.since(self.model.trained_to, now) > MODEL_LIFE_SESSIONS
