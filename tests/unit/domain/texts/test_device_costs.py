"""What a million texts cost."""

from __future__ import annotations

import polars as pl
import pytest

from finpulse_assets.domain.plots.devices import device_plot
from finpulse_assets.domain.texts.device_costs import best_batches, priced
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


def test_of_each_length_and_dtype_the_fastest_batch_is_shown() -> None:
    slower = CELLS.with_columns(batch_texts=pl.lit(1), texts_per_second=pl.lit(5.0))
    longer = CELLS.head(1).with_columns(text_tokens=pl.lit(64))
    cells = pl.concat([slower, CELLS, longer], how="vertical_relaxed")
    best = best_batches(priced(cells, 0.36, "minilm"))
    assert best.select("text_tokens", "dtype", "batch_texts").rows() == [
        (32, "float32", 8), (32, "int8", 8), (32, "bfloat16", 8), (64, "float32", 8),
    ]  # fmt: skip
    assert best["cost_per_million_texts"].to_list() == [10.0, 2.0, 0.01, 10.0]
    assert "cost_per_million_texts" not in best_batches(priced(cells, None, "minilm")).columns


def test_the_picture_is_a_png() -> None:
    assert device_plot(priced(CELLS, None, "minilm")).startswith(b"\x89PNG")
