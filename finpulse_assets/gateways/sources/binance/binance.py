"""Binance: one-minute candles of crypto pairs, which trade 24 hours a day on every day.

https://developers.binance.com/docs/binance-spot-api-docs/rest-api

A candle whose minute had not ended when the answer came is never taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from finpulse_assets.errors import SourceError
from finpulse_assets.gateways.sources.access import Access
from finpulse_assets.gateways.sources.answers import Answer, Wanted
from finpulse_assets.gateways.sources.replies import NotListed, Request
from finpulse_assets.gateways.sources.vendor import (
    Page,
    Reach,
    Row,
    Vendor,
    epoch,
    listing,
    read_rows,
)
from finpulse_assets.schemas import OHLC

MOST_CANDLES = 1000
_MINUTE = timedelta(minutes=1)
_CLOSE_TIME = 6
_INVALID_SYMBOL = -1121


class Binance(Vendor):
    """Minute candles of some pairs.

    Args:
        symbols: such as BTCUSDT.
        history: how far back candles are loaded.
    """

    name = "binance"
    kinds = ("bars_1m",)

    def __init__(self, symbols: Sequence[str], access: Access, *, history: timedelta) -> None:
        self.subjects, self.access = list(symbols), access
        self.reach = Reach(overlap=_MINUTE, history=history, at_once=MOST_CANDLES * _MINUTE)

    def request(self, wanted: Wanted) -> Request:
        """Return the request for the candles that begin in a span."""
        start, end = (round(moment.timestamp() * 1000) for moment in wanted.span)
        params = {"symbol": wanted.subject, "interval": "1m", "startTime": str(start)}
        return Request(
            "api/v3/klines", {**params, "endTime": str(end - 1), "limit": str(MOST_CANDLES)}
        )

    def read(self, answer: Answer) -> Page:
        """Return the candles of an answer whose minute had ended."""
        candles = listing(answer.reply.json(), "the answer")
        came = answer.reply.fetched_at.timestamp() * 1000
        ended = [one for one in candles if _closes(one) < came]

        def rows(candle: Any) -> Iterable[Row]:
            yield {
                "ticker": answer.ask.subject,
                "bar_at": epoch(candle[0] / 1000),
                **{name: float(candle[at]) for at, name in enumerate(OHLC, start=1)},
                "volume": float(candle[5]),
                "price_basis": "unadjusted",
            }

        return Page(read_rows(ended, rows), passed_over=len(candles) - len(ended))

    def refused(self, answer: Answer) -> Page | None:
        """Say what Binance says of a request that is wrong."""
        if answer.reply.status == 400:
            body = answer.reply.json()
            said = body.get("msg") if isinstance(body, dict) else None
            if isinstance(body, dict) and body.get("code") == _INVALID_SYMBOL:
                raise NotListed(f"Binance has no {answer.ask.subject}: {said}")
            raise SourceError(f"HTTP 400: {said or 'no words'}")
        return None


def _closes(candle: Any) -> float:
    if not isinstance(candle, list) or len(candle) <= _CLOSE_TIME:
        raise SourceError("a candle that is no list of twelve values")
    return float(candle[_CLOSE_TIME])
