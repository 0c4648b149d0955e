"""What is said of symbols, model and health: the contents of three routes, and their examples."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bentos.price_predictor.document_schemas import BAND_MEMBERS, MODEL_MEMBERS
from finpulse_assets.domain.serving.predictor import Predictor


def symbols_of(predictor: Predictor) -> dict[str, Any]:
    """Return the symbols with features, and from which session these are."""
    listed = [
        {"symbol": symbol, "session_date": row["session_date"], "as_of": row["decision_at"],
         "delisted_date": row["delisted_date"]}
        for symbol, row in predictor.rows.items()
    ]  # fmt: skip
    return {"symbols": listed}


def model_of(predictor: Predictor, now: datetime) -> dict[str, Any]:
    """Return the champion as of `now` (UTC): its id, proof, training, inputs and band."""
    status, band = predictor.judge(now).model_dump(), predictor.model.band
    return {name: status[name] for name in MODEL_MEMBERS} | {
        "features": list(predictor.model.features),
        "band": band and {name: getattr(band, name) for name in BAND_MEMBERS},
    }


def health_of(predictor: Predictor, now: datetime) -> dict[str, Any]:
    """Return in one word whether features and model are fresh at `now` (UTC)."""
    judged = predictor.judge(now)
    state = "expired" if judged.is_expired else "stale" if judged.is_stale else "ok"
    return {"status": state, "model_version": judged.model_version}
