"""The figures of a labelled set are those of their definitions."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from finpulse_assets.errors import EvaluationError, SchemaError
from finpulse_assets.gateways.sentiment.evaluation import (
    calibration_error,
    confusion,
    label_codes,
    score_labelled,
)
from tests.fakes.classifier import FakeClassifier

LABELLED = pl.DataFrame(
    {
        "text": ["acme beats", "acme beats", "bolt cuts", "core opens"],
        "label": ["positive", "neutral", "negative", "neutral"],
    }
)


def test_figures_are_those_of_the_definition():
    found = score_labelled(FakeClassifier(), LABELLED)
    assert found["row_count"] == 4
    assert found["accuracy"] == 0.75
    assert found["macro_f1"] == pytest.approx((2 / 3 + 1 + 2 / 3) / 3)
    assert found["weighted_f1"] == pytest.approx((2 / 3 + 1 + 2 * 2 / 3) / 4)
    assert found["log_loss"] == pytest.approx(-np.log([0.85, 0.1, 0.85, 0.8]).mean())
    assert found["majority_accuracy"] == 0.5
    # Four bins of one text: .2 off, and .15, .15 and .85 in the order of the claims.
    assert found["calibration_error"] == pytest.approx((0.2 + 0.15 + 0.85 + 0.15) / 4)


def test_confusion_counts_truth_by_row():
    counts = confusion(np.array([0, 0, 2]), np.array([0, 1, 2]))
    assert counts.tolist() == [[1, 1, 0], [0, 0, 0], [0, 0, 1]]


def test_a_classifier_that_knows_how_sure_it_is_has_no_calibration_error():
    generator = np.random.default_rng(0)
    claims = generator.uniform(0.34, 1.0, 20_000)
    is_right = generator.random(20_000) < claims
    assert calibration_error(claims, is_right) < 0.015
    assert calibration_error(np.minimum(claims + 0.2, 1), is_right) > 0.1


@pytest.mark.parametrize(
    ("labelled", "message"),
    [
        (pl.DataFrame({"text": ["a"]}), "lack the columns label"),
        (pl.DataFrame({"text": ["a"], "label": ["joy"]}), "have joy, labels are"),
        (
            pl.DataFrame({"text": [None], "label": ["neutral"]}, schema_overrides={"text": str}),
            "a text without words",
        ),
    ],
)
def test_unusable_labels(labelled, message):
    with pytest.raises(SchemaError, match=message):
        label_codes(labelled)


def test_no_rows():
    with pytest.raises(EvaluationError, match="0 rows"):
        score_labelled(FakeClassifier(), LABELLED.clear())
