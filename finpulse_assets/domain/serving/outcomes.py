"""Reported outcomes: what a caller says has come of predictions that it was given."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

import msgspec
import polars as pl

from finpulse_assets.domain.serving.request import refuse_repeats
from finpulse_assets.errors import RequestError
from finpulse_assets.schemas import REPORTED_OUTCOMES

MAX_OUTCOMES = 64
FORM = (
    'send {"outcomes": [{"prediction_id": "...", "return_next_session": 0.01}, ...]}, '
    f"1 to {MAX_OUTCOMES} of them"
)


class Outcome(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One outcome: the prediction's id, and the session's return from open to close, a fraction."""

    prediction_id: str
    return_next_session: float


class _OutcomesRequest(msgspec.Struct, forbid_unknown_fields=True):
    outcomes: list[Outcome]


_REQUEST = msgspec.json.Decoder(_OutcomesRequest)


@dataclass(frozen=True)
class Reported:
    """An outcome in the ledger: by which key it was reported, when (UTC), the line's hash."""

    outcome: Outcome
    reported_at: datetime
    reported_by: str
    hash: str


def parse_outcomes(body: bytes) -> list[Outcome]:
    """Return the outcomes in a JSON text.

    Raises:
        RequestError: it is not of the form, or a return is impossible.
    """
    try:
        outcomes = _REQUEST.decode(body).outcomes
    except (msgspec.MsgspecError, RecursionError) as error:
        raise RequestError(f"the outcomes cannot be read: {error}", hint=FORM) from error
    refuse_repeats(body)
    if not 1 <= len(outcomes) <= MAX_OUTCOMES:
        raise RequestError(f"there are {len(outcomes)} outcomes", hint=FORM)
    for at, it in enumerate(outcomes):
        if not math.isfinite(it.return_next_session) or not -1 <= it.return_next_session <= 10:
            raise RequestError(
                f"the return of outcome {at} is {it.return_next_session:g}",
                hint="a fraction from -1 to 10: 0.01 is one percent",
            )
    return outcomes


def outcome_entry(outcome: Outcome, reported_at: datetime, reported_by: str) -> bytes:
    """Return the ledger's entry of an outcome, JSON in one line."""
    return msgspec.json.encode(
        {"outcome": outcome, "reported_at": reported_at, "reported_by": reported_by}
    )


def reported_table(reported: list[Reported]) -> pl.DataFrame:
    """Return outcomes as `schemas.REPORTED_OUTCOMES`."""
    rows = [
        {
            "prediction_id": it.outcome.prediction_id,
            "reported_at": it.reported_at,
            "return_next_session": it.outcome.return_next_session,
            "reported_by": it.reported_by,
            "entry_hash": it.hash,
        }
        for it in reported
    ]
    return REPORTED_OUTCOMES.enforce(pl.DataFrame(rows, schema=REPORTED_OUTCOMES.polars_schema))
