"""Which device and dtype "auto" means, what a device refuses, and layers in int8."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from finpulse_assets.errors import ModelError
from finpulse_assets.gateways.sentiment import arithmetic
from finpulse_assets.gateways.sentiment.arithmetic import (
    SMALL_WEIGHTS_BYTES,
    Arithmetic,
    choose_arithmetic,
)
from tests.fakes.classifier import small_bert


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with (tmp_path / "model.safetensors").open("wb") as file:
        file.truncate(SMALL_WEIGHTS_BYTES)
    return tmp_path


@pytest.fixture
def large(folder: Path) -> Path:
    with (folder / "model.safetensors").open("wb") as file:
        file.truncate(SMALL_WEIGHTS_BYTES + 1)
    return folder


@pytest.fixture
def cuda(monkeypatch) -> None:
    monkeypatch.setattr(arithmetic, "has_cuda", lambda: True)


@pytest.fixture
def no_cuda(monkeypatch) -> None:
    monkeypatch.setattr(arithmetic, "has_cuda", lambda: False)


def test_auto_is_full_precision_on_a_cpu(no_cuda, folder: Path) -> None:
    assert choose_arithmetic(folder, "auto", "auto") == Arithmetic("cpu", "float64")
    assert choose_arithmetic(folder, "cpu", "float32").is_full_precision


def test_auto_is_float32_for_a_large_model_on_a_cpu(no_cuda, large: Path) -> None:
    assert choose_arithmetic(large, "auto", "auto") == Arithmetic("cpu", "float32")


def test_auto_is_half_precision_on_cuda(cuda, folder: Path) -> None:
    chosen = choose_arithmetic(folder, "auto", "auto")
    assert (chosen, chosen.is_full_precision) == (Arithmetic("cuda", "float16"), False)
    assert choose_arithmetic(folder, "cpu", "auto") == Arithmetic("cpu", "float64")
    assert choose_arithmetic(folder, "cuda", "bfloat16") == Arithmetic("cuda", "bfloat16")


def test_cuda_absent_is_a_sentence(no_cuda, folder: Path) -> None:
    with pytest.raises(ModelError, match=r"torch finds no CUDA device here.*auto or cpu"):
        choose_arithmetic(folder, "cuda", "auto")


@pytest.mark.parametrize(
    ("device", "dtype", "message"),
    [
        ("cpu", "float16", "float16 is not for the device cpu.*bfloat16 or int8"),
        ("auto", "int8", "int8 is not for the device cuda.*float16 or bfloat16"),
    ],
)
def test_what_a_device_cannot_do_is_refused(cuda, folder: Path, device, dtype, message) -> None:
    with pytest.raises(ModelError, match=message):
        choose_arithmetic(folder, device, dtype)


def test_a_machine_without_a_driver_is_not_asked_by_way_of_torch(folder: Path) -> None:
    code = (
        "import ctypes, sys; from pathlib import Path\n"
        "def absent(name): raise OSError(name)\n"
        "ctypes.CDLL = absent\n"
        "from finpulse_assets.gateways.sentiment.arithmetic import choose_arithmetic\n"
        "print(choose_arithmetic(Path(sys.argv[1]), 'auto', 'auto'), 'torch' in sys.modules)"
    )
    printed = subprocess.check_output([sys.executable, "-c", code, str(folder)], text=True)
    assert printed.strip() == "float64 on cpu False"


def test_int8_takes_the_layers_that_do_not_narrow_and_leaves_the_rest_in_bfloat16() -> None:
    import torch

    from finpulse_assets.gateways.sentiment.int8 import Int8Linear, quantise

    model = quantise(small_bert())
    kinds = {name: type(module) for name, module in model.named_modules()}
    linear = {name for name, kind in kinds.items() if kind is torch.nn.Linear}
    narrowing = {f"bert.encoder.layer.{at}.output.dense" for at in (0, 1)}
    assert linear == {"bert.pooler.dense", "classifier", *narrowing}
    assert sum(kind is Int8Linear for kind in kinds.values()) == 2 * 5
    assert {it.dtype for it in model.parameters()} == {torch.bfloat16}


def int8_and_exact(values, weight):
    """Return what an int8 layer makes of values, and what float32 makes of them."""
    import torch

    from finpulse_assets.gateways.sentiment.int8 import Int8Linear

    linear = torch.nn.Linear(weight.shape[1], len(weight))
    linear.weight.data, linear.bias.data = weight, torch.arange(len(weight)).float()
    with torch.inference_mode():
        return Int8Linear(linear)(values.bfloat16()).float(), linear(values.bfloat16().float())


def test_int8_has_a_scale_an_output_and_a_scale_a_token() -> None:
    """With one scale for all, a large neighbour would round the small ones to nothing."""
    import torch

    generator = torch.Generator().manual_seed(1)
    values = torch.randn(64, 32, generator=generator)
    weight = torch.randn(8, 32, generator=generator)
    values[0], values[1], weight[0], weight[1] = values[0] * 1e4, 0, weight[0] * 1e4, 0
    found, exact = int8_and_exact(values, weight)
    lengths = values.norm(dim=1)[:, None] * weight.norm(dim=1)[None, :]
    error = (found - exact).abs() / (lengths + exact.abs()).clamp(min=1e-9)
    assert 1e-5 < error.max() < 0.01
    assert found[1].tolist() == list(range(8)), "a token of zeros gives the bias"


def test_int8_does_not_run_over_at_its_largest_value() -> None:
    import torch

    values = torch.linspace(0.01, 3, 400).unsqueeze(1) * torch.tensor([[1.0, -1.0]])
    found, exact = int8_and_exact(values, torch.tensor([[1.0, 0.0], [0.0, 1.0]]))
    assert (found - exact).abs().max() < 0.05


def test_a_token_has_the_same_int8_output_whatever_its_neighbours() -> None:
    import torch

    generator = torch.Generator().manual_seed(2)
    values = torch.randn(16, 32, generator=generator)
    weight = torch.randn(8, 32, generator=generator)
    together, _ = int8_and_exact(torch.cat([values, 1000 * values]), weight)
    alone = torch.cat([int8_and_exact(values[at : at + 1], weight)[0] for at in range(16)])
    assert together[:16].equal(alone)


def test_a_model_without_layers_has_no_int8() -> None:
    import torch

    from finpulse_assets.gateways.sentiment.int8 import quantise

    with pytest.raises(ModelError, match="no stack of linear layers"):
        quantise(torch.nn.Linear(2, 2))
