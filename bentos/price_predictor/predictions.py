"""Predictions: giving an answer, many at once, and finding those that were given."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from datetime import datetime
from pathlib import Path
from time import perf_counter

import msgspec
import numpy as np

from bentos.price_predictor.calls import Call, Said, query_of
from bentos.price_predictor.metrics import ABSTENTIONS
from bentos.price_predictor.refusal import Refused
from finpulse_assets.domain.serving.answering import PLAIN, Answering, Asked, Reply
from finpulse_assets.domain.serving.fresh import is_fresh, parse_fresh
from finpulse_assets.domain.serving.request import parse_batch
from finpulse_assets.gateways.clock import system_now
from finpulse_assets.gateways.serving.ledger import find_entry, find_outcome, newest_entries
from finpulse_assets.gateways.serving.prediction_id import new_prediction_id, time_of


def predict(call: Call) -> Said | Awaitable[Said]:
    """Answer for one symbol, or for one feature row."""
    now = system_now()
    answering = call.served.answering
    asked = _asked(call.query) if call.query else PLAIN
    if is_fresh(call.body):
        return _predict_fresh(call, answering, asked, now)
    reply = answering.reply(call.body, now=now, asked=asked)
    (content,) = _stamped(call, (reply,), now)
    recorded = _recorded(call, (reply,), (content,), answering.bundle, now)
    return Said(content) if recorded is None else _after(recorded, content)


async def _predict_fresh(call: Call, answering: Answering, asked: Asked, now: datetime) -> Said:
    request = parse_fresh(call.body)
    if request.symbol not in answering.predictor.rows:
        raise answering.predictor.unknown(request.symbol)
    if call.served.fresh is None:
        raise Refused(
            503,
            "this service has no lake to add texts and prices to",
            hint="start it by finpulse serve beside the home, or ask for the symbol alone",
        )
    rows = await call.served.fresh.rows(request, now)
    reply = answering.fresh(request, rows, now=now, asked=asked)
    (content,) = _stamped(call, (reply,), now)
    recorded = _recorded(call, (reply,), (content,), answering.bundle, now)
    if recorded is not None:
        await recorded
    return Said(content)


async def predict_batch(call: Call) -> Said:
    """Answer for up to 512 symbols or feature rows, in a thread: it must not hold up others."""
    now = system_now()
    answering = call.served.answering
    replies = await asyncio.to_thread(_replies, answering, call.body, now)
    contents = _stamped(call, replies, now)
    recorded = _recorded(call, replies, contents, answering.bundle, now)
    if recorded is not None:
        await recorded
    return Said(b'{"answers":[' + b",".join(contents) + b"]}")


async def prediction(call: Call) -> Said:
    """Return an answer of the last days by its id, with what it came from and what came of it."""
    time_of(call.argument)  # the words for what is no id
    folder = ledger_of(call)
    entry = await asyncio.to_thread(find_entry, folder, call.argument)
    if entry is None:
        raise Refused(
            404,
            f"no answer {call.argument!a} stands in the ledger of the last days",
            hint="older ones: finpulse replay, or the table predictions/ledger",
        )
    reported = await asyncio.to_thread(find_outcome, folder, call.argument)
    outcome = reported and {
        "return_next_session": reported.outcome.return_next_session,
        "reported_at": reported.reported_at,
        "reported_by": reported.reported_by,
    }
    lineage = {"bundle": entry.bundle, "features": entry.features, "entry_hash": entry.hash}
    rest = msgspec.json.encode({"made_from": lineage, "outcome": outcome})[1:]
    return Said(b'{"answer":%b,%b' % (entry.content, rest))


async def history(call: Call) -> Said:
    """Return the newest answers of the last days, the newest first."""
    wanted = query_of(call.query, {"symbol": r".{1,40}", "limit": r"[1-9]\d{0,2}|1000"})
    count = int(wanted.get("limit", "100"))
    folder = ledger_of(call)
    entries = await asyncio.to_thread(newest_entries, folder, count, wanted.get("symbol"))
    return Said(b'{"answers":[' + b",".join(entry.content for entry in entries) + b"]}")


def _asked(query: bytes) -> Asked:
    wanted = query_of(query, {"features": "[01]", "reasons": "[01]"})
    return Asked(*(wanted.get(name) == "1" for name in ("features", "reasons")))


def ledger_of(call: Call) -> Path:
    """Return the ledger's folder.

    Raises:
        Refused: 404, there is no ledger.
    """
    if call.served.recorder is None:
        raise Refused(404, "this service keeps no ledger", hint="see FINPULSE_SERVICE_LEDGER")
    return call.served.recorder.folder


def _replies(answering: Answering, body: bytes, now: datetime) -> list[Reply]:
    asked = parse_batch(body, answering.predictor.model.features)
    if isinstance(asked, np.ndarray):
        return answering.rows(asked, now=now)
    by_symbol = answering.symbols(now)
    unknown = next((symbol for symbol in asked if symbol not in by_symbol), None)
    if unknown is not None:
        raise answering.predictor.unknown(unknown)
    return [by_symbol[symbol] for symbol in asked]


def _stamped(call: Call, replies: Sequence[Reply], now: datetime) -> list[bytes]:
    for reply in replies:
        for reason in reply.abstain_reasons:
            ABSTENTIONS.add(reason)
    stamp = f"{now.replace(tzinfo=None).isoformat(timespec='microseconds')}Z"
    latency = (perf_counter() - call.started) * 1000
    return [reply.stamped(new_prediction_id(now), stamp, latency) for reply in replies]


def _recorded(
    call: Call, replies: Sequence[Reply], contents: Sequence[bytes], bundle: str, now: datetime
) -> Awaitable[None] | None:
    recorder = call.served.recorder
    return None if recorder is None else recorder.record(replies, contents, bundle, now)


async def _after(recorded: Awaitable[None], content: bytes) -> Said:
    await recorded
    return Said(content)
