"""Outcomes: what came of predictions, as callers report it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

import msgspec

from bentos.price_predictor.calls import Call, Said
from bentos.price_predictor.predictions import ledger_of
from bentos.price_predictor.refusal import Refused
from finpulse_assets.domain.serving.outcomes import Outcome, outcome_entry, parse_outcomes
from finpulse_assets.domain.serving.predictor import Predictor
from finpulse_assets.errors import RequestError
from finpulse_assets.gateways.clock import system_now
from finpulse_assets.gateways.serving.ledger import find_entry
from finpulse_assets.gateways.serving.prediction_id import time_of


async def outcomes(call: Call) -> Said:
    """Append what came of predictions to the ledger; a later report of one counts."""
    now, folder = system_now(), ledger_of(call)
    reported = parse_outcomes(call.body)
    predictor = call.served.answering.predictor
    await asyncio.to_thread(_check, reported, folder, predictor, now)
    entries = [outcome_entry(it, now, call.key) for it in reported]
    recorded = call.served.recorder.append(entries, now)
    if recorded is not None:
        await recorded
    return Said(msgspec.json.encode({"recorded": len(entries)}))


def _check(reported: Sequence[Outcome], folder: Path, predictor: Predictor, now: datetime) -> None:
    for it in reported:
        time_of(it.prediction_id)  # the words for what is no id
        entry = find_entry(folder, it.prediction_id)
        if entry is None:
            raise Refused(
                404,
                f"no answer {it.prediction_id!a} stands in the ledger of the last days",
                hint="report outcomes of the last week; nothing of this request was recorded",
            )
        target = entry.answer["target_session_date"]
        if target and not predictor.openings.has_opened(date.fromisoformat(target), now):
            raise RequestError(
                f"the session that {it.prediction_id} predicts, {target}, has not opened yet",
                hint="report it after its close; nothing of this request was recorded",
            )
