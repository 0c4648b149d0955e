"""What the service answers, as the client hands it out.

A field that a newer service adds is no error for an older client.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from finpulse_assets.domain.serving import answer as served
from finpulse_assets.domain.serving import sentiment

OPEN = ConfigDict(frozen=True, extra="ignore")


class Answer(served.Answer):
    """A prediction; `abstain` says whether acting on it is advised against."""

    model_config = OPEN


class Signal(served.Signal):
    """A signal of the stream: an answer that nobody asked for, without an id."""

    model_config = OPEN


class TextScore(sentiment.TextScore):
    """The opinion in a text."""

    model_config = ConfigDict(**OPEN, protected_namespaces=())


class Forecast(served.Forecast):
    """The next close from the prices that were sent, and from nothing else."""

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


class Band(BaseModel):
    """How the band of the expected return was measured."""

    model_config = OPEN

    level: float = Field(description="share of outcomes that it should hold")
    coverage: float = Field(description="share that it held on sessions after those it is made of")
    row_count: int = Field(description="errors that it is made of")


class Model(BaseModel):
    """The champion."""

    model_config = OPEN

    model_version: str
    is_proven: bool
    skills: list[str] = Field(description="what it has proven, by name")
    trained_to: date
    sessions_since_training: int
    is_expired: bool
    model_expires_at: datetime | None
    features: list[str] = Field(description="its inputs, in its order")
    band: Band | None = Field(description="null where too few errors are known")


class News(BaseModel):
    """A text about a symbol, with the opinion in it."""

    model_config = OPEN

    kind: Literal["tweet", "headline"]
    source: str
    text_id: str = Field(description="the source's own id")
    symbol: str
    event_time: datetime = Field(description="when it was said, UTC")
    knowledge_time: datetime = Field(description="when it was known, UTC")
    session_date: date = Field(description="the session for which it counts")
    text: str
    score: float = Field(description="-1 to 1")


class MadeFrom(BaseModel):
    """What a recorded answer was made from."""

    model_config = OPEN

    bundle: str = Field(description="id of the bundle that answered")
    features: list[float | None] | None = Field(description="the row that was sent, if one was")
    entry_hash: str = Field(description="binds it to the entry before it in the ledger")


class ReportedOutcome(BaseModel):
    """What was reported to have come of an answer."""

    model_config = OPEN

    return_next_session: float = Field(description="target session, open to close, a fraction")
    reported_at: datetime = Field(description="UTC")
    reported_by: str = Field(description="name of the key; empty where the service has none")


class Recorded(BaseModel):
    """An answer of the past, with what it was made from and what was reported of it."""

    model_config = OPEN

    answer: Answer
    made_from: MadeFrom
    outcome: ReportedOutcome | None = Field(description="the last report, null without one")
