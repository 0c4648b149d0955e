"""The recipe id: equal exactly when the frame and every part are."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from finpulse_assets.gateways.sentiment.recipe import recipe_id

FRAME = pl.DataFrame({"ticker": ["A", "B"], "x": [1.0, None], "day": [date(2024, 1, 2)] * 2})
PARTS = {"rounds": 2, "features": ["x"], "since": date(2024, 1, 2)}


def test_chunks_and_the_order_of_parts_do_not_count():
    chunked = pl.concat([FRAME[:1], FRAME[1:]], rechunk=False)
    assert chunked.n_chunks() == 2
    assert recipe_id(chunked, dict(reversed(PARTS.items()))) == recipe_id(FRAME, PARTS)
    assert len(recipe_id(FRAME, PARTS)) == 64


@pytest.mark.parametrize(
    "frame",
    [
        FRAME.with_columns(x=pl.col("x").fill_null(0.0)),
        FRAME.with_columns(x=pl.col("x") + 1e-15),
        FRAME.reverse(),
        FRAME[:1],
        FRAME.rename({"x": "y"}),
        FRAME.with_columns(pl.col("x").cast(pl.Float32)),
        FRAME.select("x", "ticker", "day"),
    ],
)
def test_another_frame_is_another_recipe(frame):
    assert recipe_id(frame, PARTS) != recipe_id(FRAME, PARTS)


@pytest.mark.parametrize(
    "change", [{"rounds": 3}, {"features": []}, {"since": date(2024, 1, 3)}, {"new": None}]
)
def test_another_part_is_another_recipe(change):
    assert recipe_id(FRAME, PARTS | change) != recipe_id(FRAME, PARTS)
