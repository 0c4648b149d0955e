"""Predictions: giving an answer, many at once, and finding those that were given."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from itertools import chain
from pathlib import Path
from time import perf_counter

import msgspec
import numpy as np

from bentos.price_predictor.calls import Call, Said, query_of
from bentos.price_predictor.metrics import ABSTENTIONS, ANSWERS, PREPARED
from bentos.price_predictor.places import CANARY, LIVE
from bentos.price_predictor.refusal import Refused
from bentos.price_predictor.shadowing import Answered
from finpulse_assets.domain.serving.answering import PLAIN, Answering, Asked, Reply
from finpulse_assets.domain.serving.fresh import is_fresh, parse_fresh
from finpulse_assets.domain.serving.request import parse_batch
from finpulse_assets.errors import RequestError
from finpulse_assets.gateways.clock import system_now
from finpulse_assets.gateways.serving.ledger import find_entry, find_outcome, newest_entries
from finpulse_assets.gateways.serving.prediction_id import new_prediction_id, time_of

Ask = Callable[[Answering], Sequence[Reply]]
# Trees and places run beside Python. A batch of so many rows is worth a second core, a row is not.
HALVED_ROWS = 128
HALVES = ThreadPoolExecutor(2, "batch")


def predict(call: Call) -> Said | Awaitable[Said]:
    """Answer for one symbol, or for one feature row."""
    now = system_now()
    asked = _asked(call.query) if call.query else PLAIN
    body = call.body
    if is_fresh(body):
        return _predict_fresh(call, asked, now)

    def ask(answering: Answering) -> Sequence[Reply]:
        return (answering.reply(body, now=now, asked=asked),)

    given = _given(call.served.answering, call.served.due_canary(), ask)
    (content,), recorded = _sent(call, given, ask, now)
    return Said(content) if recorded is None else _after(recorded, content)


async def _predict_fresh(call: Call, asked: Asked, now: datetime) -> Said:
    answering, request = call.served.answering, parse_fresh(call.body)
    if request.symbol not in answering.predictor.rows:
        raise answering.predictor.unknown(request.symbol)
    if call.served.fresh is None:
        raise Refused(
            503,
            "this service has no lake to add texts and prices to",
            hint="start it by finpulse serve beside the home, or ask for the symbol alone",
        )
    rows = await call.served.fresh.rows(request, now)

    def ask(answering: Answering) -> Sequence[Reply]:
        return (answering.fresh(request, rows, now=now, asked=asked),)

    given = _given(answering, call.served.due_canary(), ask)
    (content,), recorded = _sent(call, given, ask, now)
    if recorded is not None:
        await recorded
    return Said(content)


async def predict_batch(call: Call) -> Said:
    """Answer for up to 512 symbols or feature rows, in a thread: it must not hold up others."""
    now = system_now()
    body = call.body

    def ask(answering: Answering) -> Sequence[Reply]:
        return _replies(answering, body, now)

    live, canary = call.served.answering, call.served.due_canary()
    given = await asyncio.to_thread(_given, live, canary, ask)
    contents, recorded = _sent(call, given, ask, now)
    if recorded is not None:
        await recorded
    return Said(b'{"answers":[' + b",".join(contents) + b"]}")


async def prediction(call: Call) -> Said:
    """Return an answer of the last days by its id, with what it came from and what came of it."""
    time_of(call.argument)  # the words for what is no id
    folder = ledger_of(call)
    entry = await asyncio.to_thread(find_entry, folder, call.argument)
    if entry is None or entry.shadow_of:
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
        if len(asked) < HALVED_ROWS:
            return answering.rows(asked, now=now)
        replies = HALVES.map(lambda half: answering.rows(half, now=now), np.array_split(asked, 2))
        return list(chain.from_iterable(replies))
    by_symbol = answering.symbols(now)
    unknown = next((symbol for symbol in asked if symbol not in by_symbol), None)
    if unknown is not None:
        raise answering.predictor.unknown(unknown)
    return [by_symbol[symbol] for symbol in asked]


def _given(
    live: Answering, canary: Answering | None, ask: Ask
) -> tuple[Answering, str, Sequence[Reply]]:
    """Return who replies, in which role, and what; the live one also to what the canary refuses."""
    if canary is not None:
        with suppress(RequestError):  # it may read other features than the live one
            return canary, CANARY, ask(canary)
    return live, LIVE, ask(live)


def _sent(
    call: Call, given: tuple[Answering, str, Sequence[Reply]], ask: Ask, now: datetime
) -> tuple[list[bytes], Awaitable[None] | None]:
    """Return the answers as they are sent, and what is to be awaited before, if anything is."""
    answering, role, replies = given
    ANSWERS.add(role, amount=len(replies))
    PREPARED.add(amount=sum(reply.is_prepared for reply in replies))
    for reply in replies:
        for reason in reply.abstain_reasons:
            ABSTENTIONS.add(reason)
    ids = [new_prediction_id(now) for _ in replies]
    stamp = f"{now.replace(tzinfo=None).isoformat(timespec='microseconds')}Z"
    latency = (perf_counter() - call.started) * 1000
    contents = [reply.stamped(own, stamp, latency) for own, reply in zip(ids, replies, strict=True)]
    served = call.served
    recorded = served.recorder and served.recorder.record(replies, contents, answering.bundle, now)
    if served.shadow is not None:
        answered = Answered(ids, replies, ask, now, stamp)
        served.shadowing.see(served.shadow, served.recorder, answered)
    return contents, recorded


async def _after(recorded: Awaitable[None], content: bytes) -> Said:
    await recorded
    return Said(content)
