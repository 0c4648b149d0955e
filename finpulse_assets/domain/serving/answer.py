"""What the service answers: the fields of an answer and of the status, and the reasons to abstain.

The shapes alone; `predictor` fills them.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from finpulse_assets.domain.evaluation.skill import Name as Skill
from finpulse_assets.domain.serving.staleness import MODEL_LIFE_SESSIONS

# The reasons to abstain, in the order in which they are given.
DELISTED, TARGET_OPENED = "delisted", "target_session_opened"
FEATURES_STALE, MODEL_EXPIRED = "features_stale", "model_expired"
NO_PROVEN_SKILL = "no_proven_skill"
DISSIMILAR = "dissimilar"  # the row is unlike those of training
CONTRADICTION = "contradiction"  # probability and expected return point to different sides
ABSTENTIONS = (
    DELISTED,
    TARGET_OPENED,
    FEATURES_STALE,
    MODEL_EXPIRED,
    NO_PROVEN_SKILL,
    DISSIMILAR,
    CONTRADICTION,
)
Abstention = Literal[
    "delisted",
    "target_session_opened",
    "features_stale",
    "model_expired",
    "no_proven_skill",
    "dissimilar",
    "contradiction",
]


class Interval(BaseModel):
    """How often the market rose after out-of-sample predictions like this one, with its bounds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    lower: float = Field(description="lower bound, 0 to 1")
    upper: float = Field(description="upper bound, 0 to 1")


class ReturnInterval(BaseModel):
    """Between which returns that of the next session is expected to lie, 90 % of the time."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    lower: float = Field(description="lower bound, a fraction")
    upper: float = Field(description="upper bound, a fraction")


class PriceInterval(BaseModel):
    """Between which prices the close is expected to lie, 90 % of the time."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    lower: float = Field(description="lower bound, in the currency of the close")
    upper: float = Field(description="upper bound, in the currency of the close")


class Fresh(BaseModel):
    """What a request has brought that no source had delivered; it is not kept."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    texts: int = Field(description="how many texts")
    prices: int = Field(description="how many bars")


class Signal(BaseModel):
    """What is said of a symbol or a row. One that abstains still gives its numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    timestamp: datetime = Field(description="when it was said, UTC")
    symbol: str | None = Field(description="the symbol asked for, null for a feature row")
    prediction: Literal["up", "down"] = Field(description="up where probability is 0.5 or more")
    probability: float = Field(
        description="probability that the next session closes above its open, 0 to 1"
    )
    confidence: float = Field(description="|probability - 0.5| x 2: 0 is a coin toss, 1 is sure")
    interval: Interval | None = Field(
        description="how often the market rose after predictions like this; null while uncalibrated"
    )
    expected_return: float = Field(
        description="predicted return of the next session, open to close, a fraction"
    )
    expected_return_interval: ReturnInterval | None = Field(
        description="where 90 % of the returns lie, by the model's errors on sessions that it "
        "never saw; null where too few are known"
    )
    expected_close: float | None = Field(
        description="last close x (1 + expected_return): of an open at the last close; null for a "
        "feature row"
    )
    expected_close_interval: PriceInterval | None = Field(
        description="last close x (1 + expected_return_interval); null for a feature row, or "
        "without that band"
    )
    signal_strength: float | None = Field(
        description="how strongly the texts of the features' session take one side, 0 to 1; null "
        "without texts"
    )
    fresh_inputs: Fresh | None = Field(
        description="texts and prices that were sent with the symbol, null without any"
    )
    skills: list[Skill] = Field(
        description="what the champion has proven: ranking, market, text, after_costs"
    )
    reasons: list[str] | None = Field(
        description='what moved the prediction most, as "feature +0.12"; for a feature row only '
        "with ?reasons=1"
    )
    as_of: datetime | None = Field(
        description="decision time of the features, UTC; null for a feature row"
    )
    target_session_date: date | None = Field(
        description="the session that is predicted; null for a feature row"
    )
    sessions_behind: int | None = Field(
        description="sessions that have opened since the features, 0: the predicted one lies ahead "
        "(counted up to a year); null for a feature row"
    )
    model_version: str = Field(description="candidate id of the champion")
    model_expires_at: datetime | None = Field(
        description="from when on the model is too old to act on, UTC; null beyond a year"
    )
    features_used: int | dict[str, float | None] = Field(
        description="how many features the model read; with ?features=1 the features themselves, "
        "to be sent back as a feature row for the same numbers"
    )
    abstain: bool = Field(description="whether to act on this answer is advised against")
    abstain_reasons: list[Abstention] = Field(description="why it abstains, every reason")


class Answer(Signal):
    """A signal that was asked for, as it stands in the ledger."""

    prediction_id: str = Field(description="names this answer in the ledger, ordered by time")
    latency_ms: float = Field(description="from the request's bytes to the answer, milliseconds")


class Forecast(BaseModel):
    """The next close from the prices that were sent, and from nothing else."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    last_close: float = Field(description="the last of the prices")
    expected_close: float = Field(
        description="the same: without more than prices, a random walk is expected to stay"
    )
    interval: PriceInterval = Field(description="where the next close lies, at `level`")
    level: float = Field(description="how often the next close should lie inside, 0 to 1")
    volatility: float = Field(
        description="deviation of a log return by now, recent ones counting most, a fraction"
    )
    coverage: float | None = Field(
        description="how often such a band, made before each close of the list, held it; null "
        "where the list is too short to say"
    )
    tested_sessions: int = Field(description="over how many closes that was counted")
    uses: Literal["the prices that were sent alone"] = Field(
        "the prices that were sent alone",
        description="neither texts nor the champion: no skill is claimed",
    )


class Refusal(BaseModel):
    """What is said to a request that is not answered."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    error: str = Field(description="what is wrong, with the value")
    hint: str = Field(description="what to do")


class Status(BaseModel):
    """How old the features and the model are that answers are made of."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model_version: str = Field(description="candidate id of the champion")
    is_proven: bool = Field(description="whether the champion has proven skill")
    skills: list[Skill] = Field(description="which: ranking, market, text, after_costs")
    trained_to: date = Field(description="last session that the champion has learnt from")
    sessions_since_training: int = Field(description="sessions that have opened since trained_to")
    is_expired: bool = Field(description=f"whether these are more than {MODEL_LIFE_SESSIONS}")
    model_expires_at: datetime | None = Field(
        description="from when on it is expired, UTC; null beyond a year"
    )
    feature_count: int = Field(description="features that the model reads")
    features_as_of: datetime = Field(description="decision time of the newest features, UTC")
    features_age_seconds: float = Field(description="from features_as_of until now, seconds")
    sessions_behind: int = Field(description="sessions that have opened since the newest features")
    is_stale: bool = Field(description="whether the session that they predict has opened")
    symbol_count: int = Field(description="symbols with features")
    stale_symbol_count: int = Field(
        description="listed symbols of which the newest features are stale"
    )
