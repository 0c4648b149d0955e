"""The opinion in texts that are sent, by the sentiment scorer."""

from __future__ import annotations

import msgspec

from bentos.price_predictor.calls import Call, Said
from bentos.price_predictor.refusal import Refused
from finpulse_assets.domain.serving.sentiment import parse_texts


async def sentiment(call: Call) -> Said:
    """Answer with the scores of texts; nothing of them is kept."""
    texts = parse_texts(call.body)
    if call.served.scorer is None:
        raise Refused(503, "this service has no sentiment scorer", hint="start it as BentoML does")
    scores = await call.served.scorer.score(texts)
    return Said(msgspec.json.encode({"scores": [it.model_dump() for it in scores]}))
