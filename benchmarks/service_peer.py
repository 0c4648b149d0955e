"""The peer of the prediction service: FastAPI on uvicorn with the same model and features.

As it is usually written: pydantic reads and checks the request, and writes the answer.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, ConfigDict, FiniteFloat

from finpulse_assets.gateways.serving.bundle import read_bundle

predictor = read_bundle(Path(os.environ["FINPULSE_SERVICE_HOME"]))
model = predictor.model
predict_rows = model.row_predictor(predictor.online)
rows = {symbol: predictor.features_of(symbol) for symbol in predictor.symbols}
app = FastAPI()


class Request(BaseModel):
    """A symbol or a feature row."""

    model_config = ConfigDict(extra="forbid")

    symbol: str | None = None
    features: dict[str, FiniteFloat | None] | None = None


class Answer(BaseModel):
    """The core of what FinPulse answers."""

    symbol: str | None
    prediction: str
    probability: float
    expected_return: float
    model_version: str
    features_used: int


@app.post("/predict")
async def predict(request: Request) -> Answer:
    """Predict for a symbol or a row, with one matrix of one row."""
    features = request.features if request.symbol is None else rows.get(request.symbol)
    if features is None:
        raise HTTPException(404, "unknown symbol")
    if set(features) != set(model.features):
        raise HTTPException(422, "the features are not the model's")
    matrix = np.array([[features[name] for name in model.features]], dtype=float)
    (probability,), (expected_return,) = predict_rows(matrix)
    return Answer(
        symbol=request.symbol,
        prediction="up" if probability >= 0.5 else "down",
        probability=probability,
        expected_return=expected_return,
        model_version=predictor.model_version,
        features_used=len(model.features),
    )
