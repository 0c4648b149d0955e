"""Answering: from the bytes of a request to those of its answer, or to a refusal.

Every way to ask, the service and `finpulse predict` alike, goes through `Answering.reply`. What a
symbol is answered with is made once and again only when a session opens; a request adds its id, its
time and its latency.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from math import isnan
from time import perf_counter
from typing import Any

import msgspec
import numpy as np
import polars as pl

from finpulse_assets.domain.serving.answer import Answer, Fresh
from finpulse_assets.domain.serving.fresh import FreshRequest
from finpulse_assets.domain.serving.predictor import Predictor
from finpulse_assets.domain.serving.request import feature_reader, parse_request

encode = msgspec.json.encode


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer before it has its id and times.

    Attributes:
        members: the JSON members between timestamp and latency_ms, without braces.
        abstain_reasons: every reason to abstain.
        features: the feature row that was sent, float64 (features,); None for a symbol.
        is_prepared: whether it was made before it was asked for.
    """

    members: bytes
    abstain_reasons: tuple[str, ...]
    features: np.ndarray | None = None
    is_prepared: bool = False

    def stamped(self, prediction_id: str, timestamp: str, latency_ms: float) -> bytes:
        """Return the whole answer, a JSON object.

        Args:
            prediction_id: letters, digits and dashes.
            timestamp: ISO 8601, UTC.
            latency_ms: milliseconds.
        """
        return b'{"prediction_id":"%b","timestamp":"%b",%b,"latency_ms":%.3f}' % (
            prediction_id.encode(),
            timestamp.encode(),
            self.members,
            latency_ms,
        )


@dataclass(frozen=True)
class Asked:
    """What a request asks for beside its body: `?features=1` and `?reasons=1`."""

    features: bool = False
    reasons: bool = False


PLAIN = Asked()


@dataclass(frozen=True)
class _Period:
    """The answers for symbols, for as long as no session opens."""

    since: datetime
    until: datetime
    by_symbol: dict[str, Reply]
    by_body: dict[bytes, Reply]
    said: dict[str, dict[str, Any]]


class Answering:
    """Answers requests with one predictor; it is replaced whole when the bundle changes.

    `bundle` is the bundle's id, empty where answers are not recorded.
    """

    def __init__(self, predictor: Predictor, *, bundle: str = "") -> None:
        self.predictor, self.bundle = predictor, bundle
        self._period: _Period | None = None

    def reply(self, body: bytes, *, now: datetime, asked: Asked = PLAIN) -> Reply:
        """Return the reply to the JSON text of a request as of `now` (UTC).

        Raises:
            UnknownSymbolError: no features are published for the symbol.
            RequestError: the request is not of the form, or a feature is not a finite number.
        """
        period = self._at(now)
        if asked is PLAIN and (found := period.by_body.get(body)):
            return found
        values = self._read_row(body)
        if values is None:
            request = parse_request(body, self.predictor.model.features)
            if request.symbol is not None:
                return self._of_symbol(period, request.symbol, asked)
            values = np.array([list(request.features.values())], dtype=float)
        return self._of_row(values, now, asked)

    def answer(self, body: bytes, *, now: datetime) -> Answer:
        """Return the answer as an object, for who asks without a service; raises as `reply`."""
        started = perf_counter()
        reply = self.reply(body, now=now, asked=Asked(features=True))
        latency = (perf_counter() - started) * 1000
        return Answer.model_validate_json(reply.stamped("unserved", now.isoformat(), latency))

    def warm_up(self, now: datetime) -> None:
        """Make the answers for symbols, and load what the model needs for a row.

        Raises:
            ModelError: the model cannot be read.
        """
        self._renew(now)
        unknown = np.full((1, len(self.predictor.model.features)), np.nan)
        self._of_row(unknown, now, PLAIN)

    def symbols(self, now: datetime) -> dict[str, Reply]:
        """Return the reply for every symbol."""
        return self._at(now).by_symbol

    def rows(self, matrix: np.ndarray, *, now: datetime) -> list[Reply]:
        """Return the replies to feature rows, float64 (rows, features), NaN for unknown."""
        said = self.predictor.of_rows(matrix, now)
        return [_reply(it, row) for it, row in zip(said, matrix, strict=True)]

    def fresh(
        self, request: FreshRequest, rows: pl.DataFrame, *, now: datetime, asked: Asked
    ) -> Reply:
        """Return the reply to a symbol with texts and bars, from the rows that they give."""
        sent = Fresh(texts=len(request.texts), prices=len(request.prices))
        bars = {bar.session_date: bar.close for bar in request.prices}
        close = bars.get(rows["session_date"][0])
        said = self.predictor.of_session(rows, request.symbol, now, close=close, fresh=sent)
        if asked.features:
            (own,) = rows.filter(pl.col("ticker") == request.symbol).iter_rows(named=True)
            said["features_used"] = {name: own[name] for name in self.predictor.model.features}
        return _reply(said)

    @cached_property
    def _read_row(self) -> Any:
        return feature_reader(self.predictor.model.features)

    def _at(self, now: datetime) -> _Period:
        period = self._period
        if period is None or not period.since <= now < period.until:
            return self._renew(now)
        return period

    def _of_row(self, values: np.ndarray, now: datetime, asked: Asked) -> Reply:
        (said,) = self.predictor.of_rows(values, now, with_reasons=asked.reasons)
        if asked.features:
            row = [None if isnan(value) else value for value in values[0].tolist()]
            said["features_used"] = dict(zip(self.predictor.model.features, row, strict=True))
        return _reply(said, values[0])

    def _of_symbol(self, period: _Period, symbol: str, asked: Asked) -> Reply:
        found = period.by_symbol.get(symbol)
        if found is None:
            raise self.predictor.unknown(symbol)
        if not asked.features:
            return found
        used = {"features_used": self.predictor.features_of(symbol)}
        return replace(found, members=_members(period.said[symbol] | used))

    def _renew(self, now: datetime) -> _Period:
        since, until = self.predictor.openings.unchanged(now)
        said = {it["symbol"]: it for it in self.predictor.of_symbols(now)}
        by_symbol = {it["symbol"]: replace(_reply(it), is_prepared=True) for it in said.values()}
        # A request as most clients write it is found by its bytes; every other is read.
        by_body = {
            form % encode(symbol): reply
            for form in (b'{"symbol":%b}', b'{"symbol": %b}')
            for symbol, reply in by_symbol.items()
        }
        self._period = _Period(since, until, by_symbol, by_body, said)
        return self._period


def _reply(said: dict[str, Any], features: np.ndarray | None = None) -> Reply:
    return Reply(_members(said), tuple(said["abstain_reasons"]), features)


def _members(said: dict[str, Any]) -> bytes:
    return encode(said)[1:-1]
