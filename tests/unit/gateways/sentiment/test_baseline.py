"""VADER's compound score, the baseline."""

from __future__ import annotations

import numpy as np
import pytest

from finpulse_assets.gateways.sentiment.baseline import vader_scores


@pytest.mark.parametrize(
    ("text", "sign"),
    [("great profit, we love it", 1), ("terrible loss, very bad", -1), ("AAPL", 0), ("", 0)],
)
def test_sign(text: str, sign: int) -> None:
    assert np.sign(vader_scores([text])).tolist() == [sign]


def test_shape_dtype_range_and_order() -> None:
    texts = ["good", "bad", "good", "the desk"]
    scores = vader_scores(texts)
    assert scores.dtype == np.float64
    assert scores.shape == (4,)
    assert scores[0] == scores[2] == 0.4404
    assert scores[1] == -0.5423
    assert np.abs(scores).max() <= 1
    assert vader_scores([]).shape == (0,)
