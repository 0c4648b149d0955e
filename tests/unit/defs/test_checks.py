"""Each check once passing, once failing."""

from __future__ import annotations

from datetime import UTC, datetime

import dagster as dg
import polars as pl
import pytest

from finpulse_assets.defs.models.checks import some_skill_is_proven
from finpulse_assets.defs.sentiment.checks import (
    one_model_scored_every_month,
    probabilities_sum_to_one,
    reduced_dtype_agrees_with_float32,
)
from finpulse_assets.domain.evaluation.report import evaluate
from finpulse_assets.gateways.atomic import write_json
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.sentiment.manifest import write_manifest
from finpulse_assets.gateways.sentiment.parity import MAX_PROBABILITY_CHANGE
from finpulse_assets.schemas import TEXT_SENTIMENT
from finpulse_assets.settings import load_settings
from tests.fakes.classifier import save_small_bert, small_bert
from tests.unit.domain.evaluation.panels import predicted_panel


def scores(lake: Lake, *, models: tuple[str, str], p_neutral: float) -> Lake:
    at = [datetime(2024, month, 5, 15, tzinfo=UTC) for month in (1, 2)]
    frame = pl.DataFrame(
        {
            "text_hash": ["a", "b"], "first_known_at": at, "p_positive": 0.5, "p_negative": 0.25,
            "p_neutral": p_neutral, "score": 0.25, "vader_score": 0.0, "is_truncated": False,
            "model_fingerprint": models,
        }
    )  # fmt: skip
    lake.replace(TEXT_SENTIMENT, frame, ["2024-01-01", "2024-02-01"])
    return lake


@pytest.mark.parametrize(("models", "passes"), [(("x", "x"), True), (("x", "y"), False)])
def test_one_model_scored_every_month(tmp_path, models, passes):
    result = one_model_scored_every_month(scores(Lake(tmp_path), models=models, p_neutral=0.25))
    assert result.passed == passes
    assert result.metadata["models"].value == len(set(models))


@pytest.mark.parametrize(("p_neutral", "wrong"), [(0.25, 0), (0.2, 2)])
def test_probabilities_sum_to_one(tmp_path, p_neutral, wrong):
    lake = scores(Lake(tmp_path), models=("x", "x"), p_neutral=p_neutral)
    result = probabilities_sum_to_one(lake)
    assert result.passed == (wrong == 0)
    assert result.metadata["wrong_rows"].value == wrong


@pytest.mark.parametrize(("edge", "passes"), [(0.2, True), (0.0, False)])
def test_some_skill_is_proven(edge, passes):
    evaluation = evaluate(predicted_panel(edge=edge), "ranking", resamples=200)
    result = some_skill_is_proven(evaluation.table.lazy())
    assert result.passed == passes
    assert result.severity == dg.AssetCheckSeverity.WARN
    assert result.description == evaluation.reason


@pytest.mark.parametrize(
    ("dtype", "spread", "passes"), [("auto", 1, True), ("int8", 0.05, True), ("int8", 1000, False)]
)
def test_reduced_dtype_agrees_with_float32(tmp_path, dtype, spread, passes):
    model = small_bert(max_tokens=128)
    model.classifier.weight.data *= spread
    settings = load_settings(home=tmp_path, device="cpu", scoring_dtype=dtype)
    folder = save_small_bert(settings.models / "sentiment" / "m", model)
    write_manifest(folder)
    write_json(folder.parent / "current.json", {"name": "m", "folder": "m"})
    result = reduced_dtype_agrees_with_float32(settings)
    assert result.passed == passes
    assert result.metadata["dtype"].value == ("float64" if dtype == "auto" else dtype)
    if dtype == "int8":
        assert result.metadata["texts"].value == 256
        assert (result.metadata["largest_change"].value > MAX_PROBABILITY_CHANGE) != passes
        assert "of 256 labels flip" in result.description
