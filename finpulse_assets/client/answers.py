"""What the service answers, as the client hands it out.

A field that a newer service adds is no error for an older client.
"""

from __future__ import annotations

from datetime import date, datetime

from pydantic import BaseModel, ConfigDict, Field

from finpulse_assets.domain.serving import answer as served

OPEN = ConfigDict(frozen=True, extra="ignore")


class Answer(served.Answer):
    """A prediction; `abstain` says whether acting on it is advised against."""

    model_config = OPEN


class Status(served.Status):
    """How old the features and the model are that answers are made of."""

    model_config = OPEN


class Symbol(BaseModel):
    """A symbol that has features."""

    model_config = OPEN

    symbol: str
    session_date: date = Field(description="session of its newest features")
    as_of: datetime = Field(description="when these were decided, UTC")
    delisted_date: date | None = Field(description="its last session, null while listed")


class Model(BaseModel):
    """The champion."""

    model_config = OPEN

    model_version: str
    is_proven: bool
    trained_to: date
    sessions_since_training: int
    is_expired: bool
    model_expires_at: datetime | None
    features: list[str] = Field(description="its inputs, in its order")


class MadeFrom(BaseModel):
    """What a recorded answer was made from."""

    model_config = OPEN

    bundle: str = Field(description="id of the bundle that answered")
    features: list[float | None] | None = Field(description="the row that was sent, if one was")
    entry_hash: str = Field(description="binds it to the entry before it in the ledger")


class Recorded(BaseModel):
    """An answer of the past, with what it was made from."""

    model_config = OPEN

    answer: Answer
    made_from: MadeFrom
