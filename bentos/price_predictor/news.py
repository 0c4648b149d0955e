"""The newest texts, as the bundle holds them."""

from __future__ import annotations

import msgspec
import polars as pl

from bentos.price_predictor.calls import Call, Said, query_of
from finpulse_assets.domain.serving.request import normal_symbol


def recent_news(call: Call) -> Said:
    """List the newest texts with their scores, the newest first, of one symbol or of all."""
    wanted = query_of(call.query, {"symbol": r".{1,40}", "limit": r"[1-9]\d{0,2}|1000"})
    predictor = call.served.answering.predictor
    texts = predictor.texts
    if "symbol" in wanted:
        symbol = normal_symbol(wanted["symbol"])
        if symbol not in predictor.rows:
            raise predictor.unknown(symbol)
        texts = texts.filter(pl.col("ticker") == symbol)
    newest = texts.sort("knowledge_time", descending=True).head(int(wanted.get("limit", "100")))
    listed = newest.rename({"ticker": "symbol"}).to_dicts()
    return Said(msgspec.json.encode({"texts": listed}))
