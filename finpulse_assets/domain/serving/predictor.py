"""Serving: from the bytes of a request to an answer, or to the sentence that says why not.

Every way to ask, the service and `finpulse predict` alike, goes through `Predictor.answer`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from difflib import get_close_matches
from functools import cached_property
from time import perf_counter
from typing import Any, Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from finpulse_assets.domain.models.registry import Model
from finpulse_assets.domain.predictions.signals import direction
from finpulse_assets.domain.serving.request import parse_request, shown
from finpulse_assets.domain.serving.staleness import MODEL_LIFE_SESSIONS, Openings
from finpulse_assets.errors import RequestError

NEAREST = 3
# The reasons to abstain, in the order in which they are given.
DELISTED, FEATURES_STALE = "delisted", "features_stale"
MODEL_EXPIRED, NO_PROVEN_SKILL = "model_expired", "no_proven_skill"
CONTRADICTION = "contradiction"  # probability and expected return point to different sides


class UnknownSymbolError(RequestError):
    """The symbol has no published features."""


class Answer(BaseModel):
    """What is answered. An abstaining answer still gives its numbers, for those who watch it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    symbol: str | None = Field(description="the symbol asked for, null for a feature row")
    prediction: Literal["up", "down"] = Field(description="up where probability is 0.5 or more")
    probability: float = Field(
        description="probability that the next session closes above its open, 0 to 1"
    )
    confidence: float = Field(description="|probability - 0.5| x 2: 0 is a coin toss, 1 is sure")
    expected_return: float = Field(
        description="predicted return of the next session, open to close, a fraction"
    )
    model_version: str = Field(description="candidate id of the champion")
    as_of: datetime | None = Field(
        description="decision time of the features, UTC; null for a feature row"
    )
    sessions_behind: int | None = Field(
        description="sessions that have opened since the features, 0: the predicted one lies ahead "
        "(counted up to a year); null for a feature row"
    )
    features_used: dict[str, float | None] = Field(
        description="what the model read; send it back as a feature row for the same numbers"
    )
    abstain: bool = Field(description="whether to act on this answer is advised against")
    reason: (
        Literal["delisted", "features_stale", "model_expired", "no_proven_skill", "contradiction"]
        | None
    ) = Field(description="why it abstains, the first that holds; null where it does not")
    latency_ms: float = Field(description="from the request's bytes to the answer, milliseconds")


class Status(BaseModel):
    """How old the features and the model are that answers are made of."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model_version: str = Field(description="candidate id of the champion")
    is_proven: bool = Field(description="whether the champion has proven skill")
    trained_to: date = Field(description="last session that the champion has learnt from")
    sessions_since_training: int = Field(description="sessions that have opened since trained_to")
    is_expired: bool = Field(description=f"whether these are more than {MODEL_LIFE_SESSIONS}")
    features_as_of: datetime = Field(description="decision time of the newest features, UTC")
    features_age_seconds: float = Field(description="from features_as_of until now, seconds")
    sessions_behind: int = Field(description="sessions that have opened since the newest features")
    is_stale: bool = Field(description="whether the session that they predict has opened")
    symbol_count: int = Field(description="symbols with features")
    stale_symbol_count: int = Field(
        description="listed symbols of which the newest features are stale"
    )


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

    def answer(self, body: bytes, *, now: datetime) -> Answer:
        """Answer the JSON text of a request as of `now` (UTC).

        Raises:
            UnknownSymbolError: no features are published for the symbol.
            RequestError: the request is not of the form, or a feature is not a finite number.
        """
        started = perf_counter()
        request = parse_request(body, self.model.features)
        row = self._row(request.symbol) if request.symbol is not None else None
        features = row or request.features
        used = {name: features[name] for name in self.model.features}
        frame = pl.DataFrame([used], schema=dict.fromkeys(used, pl.Float64))
        (probability,), (expected_return,) = self.model.predict(frame, self._peers)
        is_one = (direction(probability) == "up") == (expected_return >= 0)
        reason = self._reason(row, now) or (None if is_one else CONTRADICTION)
        return Answer(
            symbol=request.symbol,
            prediction=direction(probability),
            probability=float(probability),
            confidence=abs(float(probability) - 0.5) * 2,
            expected_return=float(expected_return),
            model_version=self.model_version,
            as_of=row["decision_at"] if row else None,
            sessions_behind=self.openings.since(row["session_date"], now) if row else None,
            features_used=used,
            abstain=reason is not None,
            reason=reason,
            latency_ms=round((perf_counter() - started) * 1000, 3),
        )

    def judge(self, now: datetime) -> Status:
        """Return how old features and model are at `now` (UTC)."""
        listed = [row for row in self._rows.values() if row["delisted_date"] is None]
        newest = max(self._rows.values(), key=lambda row: row["session_date"])
        behind = self.openings.since(newest["session_date"], now)
        return Status(
            model_version=self.model_version,
            is_proven=self.is_proven,
            trained_to=self.model.trained_to,
            sessions_since_training=self.openings.since(self.model.trained_to, now),
            is_expired=self._is_expired(now),
            features_as_of=newest["decision_at"],
            features_age_seconds=(now - newest["decision_at"]).total_seconds(),
            sessions_behind=behind,
            is_stale=behind > 0,
            symbol_count=len(self._rows),
            stale_symbol_count=sum(
                self.openings.since(row["session_date"], now) > 0 for row in listed
            ),
        )

    def warm_up(self) -> None:
        """Load LightGBM and its models, a second that the first request would else wait.

        Raises:
            ModelError: LightGBM cannot read a model.
        """
        self.model.predict(self.online.head(1), self._peers)

    @property
    def symbols(self) -> list[str]:
        return list(self._rows)

    @cached_property
    def _peers(self) -> pl.DataFrame:
        """The tickers of the newest session, among which a row takes its place."""
        return self.online.filter(pl.col("session_date") == pl.col("session_date").max())

    @cached_property
    def _rows(self) -> dict[str, dict[str, Any]]:
        return {row["ticker"]: row for row in self.online.iter_rows(named=True)}

    def _row(self, symbol: str) -> dict[str, Any]:
        if symbol in self._rows:
            return self._rows[symbol]
        known = self.symbols
        near = get_close_matches(symbol, known, n=NEAREST, cutoff=0.3) or known[:NEAREST]
        raise UnknownSymbolError(
            f"the symbol {shown(symbol)} is unknown, {len(known)} symbols have features",
            hint=f"the nearest are {', '.join(near)}",
        )

    def _reason(self, row: Mapping[str, Any] | None, now: datetime) -> str | None:
        if row is not None and row["delisted_date"] is not None:
            return DELISTED
        if row is not None and self.openings.since(row["session_date"], now):
            return FEATURES_STALE
        if self._is_expired(now):
            return MODEL_EXPIRED
        return None if self.is_proven else NO_PROVEN_SKILL

    def _is_expired(self, now: datetime) -> bool:
        return self.openings.since(self.model.trained_to, now) > MODEL_LIFE_SESSIONS
