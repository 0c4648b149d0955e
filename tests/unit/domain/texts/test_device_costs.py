"""What a million texts cost."""

from __future__ import annotations

import polars as pl
import pytest

from finpulse_assets.domain.plots.devices import device_plot
from finpulse_assets.domain.texts.device_costs import priced
from finpulse_assets.schemas import DEVICE_COMPARISON

CELLS = pl.DataFrame(
    {
        "device": ["cpu", "cpu", "cuda"], "dtype": ["float32", "int8", "bfloat16"],
        "batch_texts": 8, "text_tokens": 32, "texts_per_second": [10.0, 50.0, 10_000.0],
        "tokens_per_second": [320.0, 1600.0, 320_000.0], "peak_teraflops": 1.0, "peak_share": 0.4,
    }
)  # fmt: skip


def test_a_million_texts_cost_their_hours() -> None:
    rows = priced(CELLS, 0.36, "minilm")
    assert rows["cost_per_million_texts"].to_list() == pytest.approx([10.0, 2.0, 0.01])
    assert rows.columns == DEVICE_COMPARISON.column_names


def test_without_a_price_there_are_no_costs() -> None:
    assert priced(CELLS, None, "minilm")["cost_per_million_texts"].to_list() == [None] * 3


def test_the_picture_is_a_png() -> None:
    assert device_plot(priced(CELLS, None, "minilm")).startswith(b"\x89PNG")
