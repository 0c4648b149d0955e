"""Each check once passing, once failing."""

from __future__ import annotations

from datetime import UTC, datetime

import dagster as dg
import polars as pl
import pytest

from finpulse_assets.defs.models.checks import candidate_beats_every_baseline
from finpulse_assets.defs.sentiment.checks import (
    one_model_scored_every_month,
    probabilities_sum_to_one,
)
from finpulse_assets.domain.evaluation.report import evaluate
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.schemas import TEXT_SENTIMENT
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
def test_candidate_beats_every_baseline(edge, passes):
    evaluation = evaluate(predicted_panel(edge=edge), "lightgbm", resamples=200)
    result = candidate_beats_every_baseline(evaluation.table.lazy())
    assert result.passed == passes
    assert result.severity == dg.AssetCheckSeverity.WARN
    assert result.description == evaluation.reason
