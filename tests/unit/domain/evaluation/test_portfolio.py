"""What the trades earn after costs, beside figures worked out by hand."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from finpulse_assets.domain.evaluation.portfolio import OVERFITTING, overfitting_of, path_metrics
from finpulse_assets.domain.evaluation.report import evaluate
from finpulse_assets.domain.evaluation.score_table import ALL
from tests.unit.domain.evaluation.panels import predicted_panel

COST_BPS = 10.0


@pytest.fixture(scope="module")
def predictions() -> pl.DataFrame:
    return predicted_panel(edge=0.05)


@pytest.fixture(scope="module")
def found(predictions):
    return evaluate(predictions, "ranking", resamples=300, cost_bps=COST_BPS, trials=5)


def by_hand(predictions: pl.DataFrame) -> np.ndarray:
    """Return the top third less the bottom third of each session."""
    own = predictions.filter(candidate="ranking")
    earned = []
    for _, day in own.group_by("session_date", maintain_order=True):
        place = (day["score"].rank() - 0.5) / day.height
        returns = day["return_next_session"]
        earned.append(returns.filter(place > 2 / 3).mean() - returns.filter(place < 1 / 3).mean())
    return np.array(earned)


def test_costs_turnover_and_break_even_are_those_of_the_trades(predictions, found):
    gross = by_hand(predictions)
    net = gross - 4 * COST_BPS / 1e4
    expected = {
        "turnover": 4.0,
        "net_return": net.mean(),
        "break_even_bps": 1e4 * gross.mean() / 4,
        "net_sharpe": net.mean() / net.std() * np.sqrt(252),
    }
    for name, value in expected.items():
        estimate = found.estimate(name)
        assert estimate.value == pytest.approx(value), name
        assert estimate.lower <= estimate.value <= estimate.upper
    path = np.concatenate([[0], np.cumsum(net)])
    fallen = max(path[:at].max() - path[at] for at in range(1, len(path)))
    assert found.estimate("drawdown").value == pytest.approx(max(0, fallen))
    for name in ("drawdown", "deflated_sharpe", "deflated_net_sharpe", OVERFITTING):
        estimate = found.estimate(name)
        assert estimate.lower <= estimate.value <= estimate.upper, name


def test_what_never_trades_has_no_turnover(found):
    assert found.estimate("turnover", "always_up").value == 0
    assert not found.estimate("net_return", "always_up").is_known


def test_candidates_tried_deflate_the_sharpe_ratio():
    weak = predicted_panel(edge=0.01)
    alone, of_many = (
        evaluate(weak, "ranking", resamples=100, trials=trials).estimate("deflated_sharpe").value
        for trials in (1, 50)
    )
    assert 0 < of_many < alone < 1


def test_the_choice_among_all_stands_once_and_is_surer_with_skill(found):
    rows = found.table.filter(metric=OVERFITTING)
    assert rows.select("predictor", "fold").rows() == [("ranking", ALL)]
    luck = evaluate(predicted_panel(), "ranking", resamples=100).estimate(OVERFITTING).value
    assert found.estimate(OVERFITTING).value < 0.2 < luck


def test_the_expected_close_is_set_beside_the_last_one(predictions, found):
    own = predictions.filter(candidate="ranking")
    error = own["expected_return"] - own["return_next_session"]
    none = own["return_next_session"]
    saved = 1 - np.sqrt((error**2).mean() / (none**2).mean())
    assert found.estimate("rmse_skill").value == pytest.approx(saved)
    right = ((own["expected_return"] >= 0) == own["is_up"]).mean()
    assert found.estimate("expected_direction").value == pytest.approx(right)


def test_few_sessions_have_no_choice_to_judge():
    sums = pl.DataFrame({"long_short_return": [0.1, 0.2], "long_short_return_sessions": [1.0, 1.0]})
    value, draws = overfitting_of({"a": sums, "b": sums}, resamples=100, seed=7)
    assert np.isnan([value, *draws]).all()
    assert path_metrics(sums, cost_bps=0, trials=1)["drawdown"] == 0
