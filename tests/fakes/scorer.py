"""The bundle of a small sentiment scorer, as serving/sentiment_bento writes one."""

from __future__ import annotations

from pathlib import Path

from finpulse_assets.gateways.sentiment.manifest import model_fingerprint, write_manifest
from finpulse_assets.gateways.serving.sentiment_bundle import ScorerCard, write_sentiment_bundle
from tests.fakes.classifier import save_small_bert, small_bert

DTYPE = "float64"


def bundle(folder: Path) -> Path:
    model = save_small_bert(folder.with_name(f"{folder.name}-model"), small_bert(max_tokens=128))
    write_manifest(model)
    fingerprint = model_fingerprint(model, dtype=DTYPE)
    write_sentiment_bundle(folder, model, ScorerCard("small", DTYPE, fingerprint))
    return folder
