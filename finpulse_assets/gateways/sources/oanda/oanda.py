"""OANDA v20: one-minute candles of currency pairs, with bid and ask.

https://developer.oanda.com/rest-live-v20/instrument-ep

A candle that is not complete is never taken; a minute without a tick has none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from finpulse_assets.gateways.sources.access import Access
from finpulse_assets.gateways.sources.answers import Answer, Wanted
from finpulse_assets.gateways.sources.replies import Request, StopAsking
from finpulse_assets.gateways.sources.vendor import (
    Page,
    Reach,
    Row,
    Vendor,
    iso,
    listing,
    mapping,
    needed,
    read_rows,
)

MOST_CANDLES = 5000
_MINUTE = timedelta(minutes=1)


class Oanda(Vendor):
    """Minute candles of some instruments.

    Args:
        instruments: such as EUR_USD.
        history: how far back candles are loaded.
        most: candles of one answer.
    """

    name = "oanda"
    kinds = ("bars_1m",)

    def __init__(
        self,
        instruments: Sequence[str],
        access: Access,
        *,
        history: timedelta,
        most: int = MOST_CANDLES,
    ) -> None:
        self.subjects, self.access = list(instruments), access
        # A span holds a minute less than the most candles: both of its ends may have one.
        self.reach = Reach(overlap=_MINUTE, history=history, at_once=(most - 1) * _MINUTE)

    def request(self, wanted: Wanted) -> Request:
        """Return the request for the candles that begin in a span."""
        params = {
            "price": "MBA",
            "granularity": "M1",
            "from": f"{wanted.span[0]:%Y-%m-%dT%H:%M:%S.%fZ}",
            "to": f"{wanted.span[1]:%Y-%m-%dT%H:%M:%S.%fZ}",
        }
        headers = {"Accept-Datetime-Format": "RFC3339"}
        return Request(f"v3/instruments/{wanted.subject}/candles", params, headers)

    def read(self, answer: Answer) -> Page:
        """Return the complete candles of an answer."""
        body = mapping(answer.reply.json(), "the answer")
        candles = listing(body.get("candles"), "candles")
        complete = [one for one in candles if mapping(one, "a candle").get("complete") is True]

        def rows(candle: Any) -> Iterable[Row]:
            mid, bid, ask = (mapping(needed(candle, name), name) for name in ("mid", "bid", "ask"))
            yield {
                "ticker": answer.ask.subject,
                "bar_at": iso(needed(candle, "time")),
                **{long: float(mid[long[0]]) for long in ("open", "high", "low", "close")},
                "volume": float(needed(candle, "volume")),
                "bid": float(bid["c"]),
                "ask": float(ask["c"]),
                "price_basis": "unadjusted",
            }

        return Page(read_rows(complete, rows), passed_over=len(candles) - len(complete))

    def refused(self, answer: Answer) -> Page | None:
        """A key that is refused is refused for every instrument."""
        if answer.reply.status in (401, 403):
            raise StopAsking(
                f"OANDA refuses the key (HTTP {answer.reply.status})",
                hint="check FINPULSE_OANDA_TOKEN and FINPULSE_OANDA_URL (practice or live)",
            )
        return None
