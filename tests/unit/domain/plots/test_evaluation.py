"""Plots are PNG pictures with the finding in the title."""

from __future__ import annotations

import polars as pl
import pytest

from finpulse_assets.domain.evaluation.report import evaluate
from finpulse_assets.domain.plots import evaluation as plots
from tests.unit.domain.evaluation.panels import predicted_panel

PREDICTIONS = predicted_panel(edge=0.2, sessions=60)
CANDIDATE = PREDICTIONS.filter(pl.col("candidate") == "ranking")
IMPORTANCE = pl.DataFrame(
    {
        "feature": ["sentiment_mean", "rsi_14", "return_1d"],
        "gain_share": [0.6, 0.3, 0.1],
        "is_text": [True, False, False],
    }
)


@pytest.fixture(scope="module")
def evaluation():
    return evaluate(PREDICTIONS, "ranking", resamples=200)


@pytest.fixture
def titles(monkeypatch) -> list[str]:
    """The titles of all figures drawn in a test."""
    from matplotlib.figure import Figure

    seen: list[str] = []
    draw = Figure.suptitle

    def suptitle(figure, text, **options):
        seen.append(text)
        return draw(figure, text, **options)

    monkeypatch.setattr(Figure, "suptitle", suptitle)
    return seen


def is_png(content: bytes) -> bool:
    return content.startswith(b"\x89PNG\r\n\x1a\n") and len(content) > 5_000


def test_evaluation_pictures(evaluation, titles):
    assert is_png(plots.ranking_plot(evaluation))
    assert is_png(plots.accuracy_plot(evaluation))
    assert is_png(plots.fold_accuracy_plot(evaluation))
    own = evaluation.estimate("accuracy").value
    assert titles[0].startswith("Skill: ranking, text, after_costs; rank IC +0.")
    assert titles[1].startswith(f"{own:.1%} right directions, the best baseline ")
    assert titles[2].endswith("in 2 of 2 folds")


def test_row_pictures(titles):
    assert is_png(plots.calibration_plot(CANDIDATE))
    assert is_png(plots.rank_ic_plot(PREDICTIONS, "ranking"))
    assert titles[0].endswith("points on average")
    assert titles[1].startswith("Mean rank IC +0.")
    assert titles[1].endswith("of 45 sessions")


def test_importance_picture(titles):
    assert is_png(plots.importance_plot(IMPORTANCE))
    assert titles == ["Text features carry 60% of the model's gain"]


def test_equal_data_give_equal_pictures():
    assert plots.importance_plot(IMPORTANCE) == plots.importance_plot(IMPORTANCE)
