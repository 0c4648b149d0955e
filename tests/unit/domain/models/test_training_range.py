"""Dissimilarity: rows like those of training, and rows that are not."""

from __future__ import annotations

import json

import numpy as np

from finpulse_assets.domain.models.training_range import UNLIKE_SHARE, TrainingRange, range_of

ROWS = np.random.default_rng(3).standard_normal((4_000, 20))


def test_few_rows_of_the_same_kind_are_unlike_training():
    known = range_of(ROWS)
    assert known.is_unlike(ROWS).mean() <= UNLIKE_SHARE
    others = np.random.default_rng(4).standard_normal((4_000, 20))
    assert known.is_unlike(others).mean() < 4 * UNLIKE_SHARE


def test_rows_of_another_market_are_unlike_training():
    """Four times as volatile: no input has another mean."""
    others = 4 * np.random.default_rng(4).standard_normal((1_000, 20))
    known = range_of(ROWS)
    assert known.is_unlike(others).mean() > 0.99
    assert known.dissimilarity(others).mean() > 0.4


def test_unknown_inputs_are_left_out_and_inputs_that_training_never_knew_are_outside():
    rows = ROWS.copy()
    rows[:, 0] = np.nan
    known = range_of(rows)
    assert known.lows[0] is None
    row = np.zeros((1, 20))
    assert known.dissimilarity(row) == 1 / 20
    row[:, 0] = np.nan
    assert known.dissimilarity(row) == 0
    assert known.dissimilarity(np.full((1, 20), np.nan)) == 0


def test_a_range_is_json_and_comes_back():
    rows = ROWS.copy()
    rows[:, 0] = np.nan
    known = range_of(rows)
    assert TrainingRange.from_dict(json.loads(json.dumps(known.to_dict()))) == known
