"""The speed of devices: the grid, the operations that are counted, and the peak beside them."""

from __future__ import annotations

from pathlib import Path

import pytest

from finpulse_assets.errors import EvaluationError
from finpulse_assets.gateways.sentiment import device_speed
from finpulse_assets.gateways.sentiment.arithmetic import Arithmetic
from finpulse_assets.gateways.sentiment.classifier import Classifier
from finpulse_assets.gateways.sentiment.manifest import write_manifest
from tests.fakes.classifier import save_small_bert, small_bert


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    made = save_small_bert(tmp_path_factory.mktemp("small") / "bert")
    write_manifest(made)
    return made


@pytest.fixture(autouse=True)
def _small_peaks(monkeypatch) -> None:
    monkeypatch.setattr(device_speed, "_PEAK_SIZE", {"cpu": 128})
    monkeypatch.setattr(device_speed, "_PEAK_SECONDS", 0.0)


def test_every_cell_of_the_grid_is_measured(folder: Path, monkeypatch) -> None:
    asked: list[tuple[int, int]] = []
    forward = Classifier._forward

    def noted(self, token_ids):
        asked.append((len(token_ids), len(token_ids[0])))
        return forward(self, token_ids)

    monkeypatch.setattr(Classifier, "_forward", noted)
    arithmetics = [Arithmetic("cpu", dtype) for dtype in ("float32", "bfloat16", "int8")]
    grid = {"batch_texts": [1, 4], "text_tokens": [8, 32], "seconds": 0.0}
    cells = list(device_speed.measure_speed(folder, arithmetics, **grid))
    assert [(it["dtype"], it["text_tokens"], it["batch_texts"]) for it in cells] == [
        (dtype, tokens, batch)
        for dtype in ("float32", "bfloat16", "int8")
        for tokens in (8, 32)
        for batch in (1, 4)
    ]
    assert set(asked) == {(batch, tokens) for batch in (1, 4) for tokens in (8, 32)}
    model = small_bert()
    for cell in cells:
        tokens, rate = cell["text_tokens"], cell["texts_per_second"]
        assert cell["tokens_per_second"] == pytest.approx(rate * tokens)
        reached = rate * device_speed.matmul_flops(model, tokens) / 1e12
        assert cell["peak_share"] == pytest.approx(reached / cell["peak_teraflops"])
        assert rate > 0
        assert cell["peak_teraflops"] > 0


def test_the_operations_are_those_of_the_matrices() -> None:
    """Hidden 32, two layers, four projections of 32 x 32 and two of 32 x 64."""
    linear = 2 * 2 * (4 * 32 * 32 + 2 * 32 * 64)
    for tokens in (1, 10):
        attention = 2 * 2 * (2 * tokens * 32)  # queries by keys, weights by values
        assert device_speed.matmul_flops(small_bert(), tokens) == tokens * (linear + attention)


def test_a_machine_with_cuda_measures_both_devices(monkeypatch) -> None:
    """There was no GPU where this was written: what would run on one is held, its speed is not."""
    monkeypatch.setattr(device_speed, "has_cuda", lambda: True)
    cuda = [it.dtype for it in device_speed.arithmetics_here() if it.device == "cuda"]
    assert cuda == ["float32", "bfloat16", "float16"]
    monkeypatch.setattr(device_speed, "has_cuda", lambda: False)
    assert {it.device for it in device_speed.arithmetics_here()} == {"cpu"}


@pytest.mark.parametrize("grid", [([], [8]), ([1], []), ([0], [8]), ([1], [2])])
def test_a_grid_without_cells_is_refused(folder: Path, grid) -> None:
    batch, tokens = grid
    with pytest.raises(EvaluationError, match="give at least one of each"):
        list(device_speed.measure_speed(folder, [], batch_texts=batch, text_tokens=tokens))
