"""What the naive predictors say."""

from __future__ import annotations

from datetime import UTC, date, datetime

import polars as pl
import pytest
from finpulse_assets.domain.evaluation.baselines import (
    FORECAST_COLUMNS,
    PREDICTORS,
    forecasts,
    majority_rates,
)

from finpulse_assets.domain.evaluation.splits import Fold
from finpulse_assets.errors import EvaluationError

DAYS = [date(2024, 1, day) for day in (1, 2, 3)]
FOLDS = [Fold(1, (DAYS[0],), (DAYS[1], DAYS[2]), datetime(2024, 1, 2, tzinfo=UTC))]
FRAME = pl.DataFrame(
    {
        "ticker": ["A", "B", "C", "A", "B", "C", "A"],
        "session_date": [DAYS[0]] * 3 + [DAYS[1]] * 3 + [DAYS[2]],
        "return_1d": [0.0, 0.0, 0.0, 0.01, -0.01, None, float("nan")],
        "return_20d": [0.0, 0.0, 0.0, -0.2, 0.2, 0.0, None],
        "is_up": [False, False, True, True, True, False, True],
    }
)
PREDICTIONS = pl.DataFrame(
    {
        "ticker": ["A", "B", "C", "A"],
        "session_date": [DAYS[1]] * 3 + [DAYS[2]],
        "fold": pl.Series([1] * 4, dtype=pl.Int32),
        "probability_up": [0.6, 0.5, 0.4, 0.7],
        "expected_return": [0.01, 0.0, -0.01, 0.02],
        "probability_up_without_text": [0.4, 0.6, 0.6, 0.4],
        "is_up": [True, True, False, True],
        "return_next_session": [0.01, 0.02, -0.01, 0.01],
    }
)


@pytest.mark.parametrize(
    ("predictor", "says"),
    [
        ("candidate", [True, True, False, True]),
        ("candidate_without_text", [False, True, True, False]),
        ("majority", [False] * 4),  # one of three training rows was up
        ("always_up", [True] * 4),
        ("persistence", [True, False, True, True]),  # null and NaN count as up
        ("momentum", [False, True, True, True]),
    ],
)
def test_directions(predictor, says):
    spoken = forecasts(PREDICTIONS, FRAME, FOLDS).filter(pl.col("predictor") == predictor)
    assert spoken.sort("session_date", "ticker")["predicts_up"].to_list() == says


def test_every_predictor_speaks_about_every_row():
    spoken = forecasts(PREDICTIONS, FRAME, FOLDS)
    assert tuple(spoken.columns) == FORECAST_COLUMNS
    assert dict(spoken.group_by("predictor").len().iter_rows()) == dict.fromkeys(PREDICTORS, 4)
    assert spoken["score"].null_count() == spoken["score"].is_nan().sum() == 0


def test_majority_speaks_with_the_training_rate_of_its_fold():
    assert majority_rates(FRAME, FOLDS)["train_up_rate"].to_list() == [pytest.approx(1 / 3)]
    spoken = forecasts(PREDICTIONS, FRAME, FOLDS).filter(pl.col("predictor") == "majority")
    assert spoken["probability_up"].unique().to_list() == [pytest.approx(1 / 3)]


def test_another_frame_or_other_folds_are_refused():
    with pytest.raises(EvaluationError, match="has 3 of the 4 predicted rows"):
        forecasts(PREDICTIONS, FRAME.head(6), FOLDS)
    with pytest.raises(EvaluationError, match="lacks return_20d, which the baselines read"):
        forecasts(PREDICTIONS, FRAME.drop("return_20d"), FOLDS)
    with pytest.raises(EvaluationError, match="name fold 1, the walk-forward has no folds"):
        forecasts(PREDICTIONS, FRAME, [])
