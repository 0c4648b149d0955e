"""Forecasts: the next close of prices that are sent, without the champion."""

from __future__ import annotations

import asyncio

from bentos.price_predictor.calls import Call, Said
from finpulse_assets.domain.serving.forecast import forecast as forecast_of
from finpulse_assets.domain.serving.forecast import parse_prices


async def forecast(call: Call) -> Said:
    """Answer with the next close and its band, in a thread: it must not hold up others.

    It is no prediction of the champion, so the ledger does not have it.
    """
    prices = parse_prices(call.body)
    said = await asyncio.to_thread(forecast_of, prices)
    return Said(said.model_dump_json().encode())
