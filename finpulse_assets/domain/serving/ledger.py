"""The ledger's entries: a line an answer or an outcome, each bound to the one before by a hash.

A line is `<sha256 of the hash before and of the entry> <entry as JSON>`. A segment is a file of
lines that one process wrote; its first entry names the segment and what it follows. A last line
without an end was cut off by a kill; its answer was not sent.
"""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isnan
from typing import Any

import msgspec
import numpy as np
import polars as pl

from finpulse_assets.domain.serving.answering import Answering, Asked, Reply
from finpulse_assets.domain.serving.outcomes import Outcome, Reported
from finpulse_assets.errors import LedgerError
from finpulse_assets.schemas import LEDGER

START = "0" * 64


@dataclass(frozen=True)
class Entry:
    """An answer in the ledger.

    Attributes:
        content: the JSON text that was sent.
        features: the feature row that was asked with, None for a symbol.
        bundle: id of the bundle that answered.
        hash: of the line, hexadecimal.
        shadow_of: id of the answer beside which a challenger was scored; "" for what was sent.
    """

    content: bytes
    features: Sequence[float | None] | None
    bundle: str
    hash: str
    shadow_of: str = ""

    @property
    def answer(self) -> dict[str, Any]:
        return json.loads(self.content)


def entry_of(
    content: bytes, features: np.ndarray | None, bundle: str, shadow_of: str = ""
) -> bytes:
    """Return the entry of an answer, JSON in one line; its features are base64 of float64."""
    row = (
        b"null" if features is None else b'"%b"' % b64encode(np.ascontiguousarray(features, "<f8"))
    )
    mark = b',"shadow_of":"%b"' % shadow_of.encode() if shadow_of else b""
    return b'{"answer":%b,"features":%b,"bundle":"%b"%b}' % (content, row, bundle.encode(), mark)


def chained(before: str, entries: Iterable[bytes]) -> tuple[str, bytes]:
    """Return the last hash and the lines of entries that follow the hash `before`."""
    lines = []
    for entry in entries:
        before = _hash(before, entry)
        lines.append(b"%b %b\n" % (before.encode(), entry))
    return before, b"".join(lines)


def whole_lines(content: bytes) -> bytes:
    """Return what of a segment's content is whole lines."""
    return content[: content.rfind(b"\n") + 1]


def entries_of(name: str, content: bytes) -> Iterator[Entry]:
    """Yield the answers in a segment, each held to the chain.

    Raises:
        LedgerError: a line was changed, removed or added.
    """
    for kept, found in _lines(name, content):
        if kept.answer is not msgspec.UNSET:
            row = _row_in(kept.features)
            yield Entry(bytes(kept.answer), row, kept.bundle, found, kept.shadow_of)


def outcomes_of(name: str, content: bytes) -> Iterator[Reported]:
    """Yield the outcomes in a segment, each held to the chain; raises as `entries_of`."""
    for kept, found in _lines(name, content):
        if kept.outcome is not msgspec.UNSET:
            yield Reported(kept.outcome, kept.reported_at, kept.reported_by, found)


def _lines(name: str, content: bytes) -> Iterator[tuple[_Kept, str]]:
    """Yield each entry and its hash."""
    before = START
    for number, line in enumerate(whole_lines(content).splitlines(), start=1):
        found, _, entry = line.partition(b" ")
        before = _hash(before, entry)
        if found.decode("ascii", "replace") != before:
            raise LedgerError(
                f"line {number} of the ledger's segment {name} does not follow the one before it",
                hint="it was changed after it was written; restore it from a backup",
            )
        yield _ENTRY.decode(entry), before


def table_of(entries: Iterable[Entry]) -> pl.DataFrame:
    """Return entries as `schemas.LEDGER`."""
    rows = []
    for entry in entries:
        answer = entry.answer
        rows.append(
            {name: answer[name] for name in LEDGER.column_names if name in answer}
            | {
                "ticker": answer["symbol"],
                "predicts_up": answer["prediction"] == "up",
                "probability_up": answer["probability"],
                "answered_at": datetime.fromisoformat(answer["timestamp"]),
                "as_of": answer["as_of"] and datetime.fromisoformat(answer["as_of"]),
                "target_session_date": answer["target_session_date"]
                and datetime.fromisoformat(answer["target_session_date"]).date(),
                "abstain_reasons": ",".join(answer["abstain_reasons"]),
                "bundle": entry.bundle,
                "features": None if entry.features is None else json.dumps(entry.features),
                "answer": entry.content.decode(),
                "entry_hash": entry.hash,
                "shadow_of": entry.shadow_of or None,
            }
        )
    return (
        LEDGER.enforce(pl.DataFrame(rows, schema=LEDGER.polars_schema))
        if rows
        else (LEDGER.empty())
    )


def entry_in(row: Mapping[str, Any]) -> Entry:
    """Return the entry that a row of `schemas.LEDGER` holds."""
    features = row["features"] and json.loads(row["features"])
    return Entry(
        row["answer"].encode(), features, row["bundle"], row["entry_hash"], row["shadow_of"] or ""
    )


def replayed(entry: Entry, answering: Answering) -> bytes:
    """Return what the same request is answered with by the bundle, as of the same time.

    It has the id, the time and the latency of the entry: the same bytes, if nothing has changed.

    Raises:
        LedgerError: it was made with what is not kept.
    """
    answer = entry.answer
    now = datetime.fromisoformat(answer["timestamp"]).astimezone(UTC)
    if answer.get("fresh_inputs"):
        raise LedgerError(
            f"the answer {answer['prediction_id']} cannot be given again: it was made with texts "
            "or prices that were sent with it, and these are not kept",
            hint="send them again with POST /predict",
        )
    is_row = entry.features is not None
    with_reasons = is_row and answer["reasons"] is not None
    asked = Asked(isinstance(answer["features_used"], dict), with_reasons)
    if is_row:
        row = dict(zip(answering.predictor.model.features, entry.features, strict=True))
        body: dict[str, Any] = {"features": row}
    else:
        body = {"symbol": answer["symbol"]}
    reply: Reply = answering.reply(msgspec.json.encode(body), now=now, asked=asked)
    return reply.stamped(answer["prediction_id"], answer["timestamp"], answer["latency_ms"])


class _Kept(msgspec.Struct):
    answer: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    features: str | None = None
    bundle: str = ""
    shadow_of: str = ""
    outcome: Outcome | msgspec.UnsetType = msgspec.UNSET
    reported_at: datetime | None = None
    reported_by: str = ""


_ENTRY = msgspec.json.Decoder(_Kept)


def _row_in(text: str | None) -> list[float | None] | None:
    if text is None:
        return None
    values = np.frombuffer(b64decode(text), "<f8").tolist()
    return [None if isnan(value) else value for value in values]


def _hash(before: str, entry: bytes) -> str:
    return hashlib.sha256(before.encode() + entry).hexdigest()
