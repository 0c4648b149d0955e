"""The arithmetic of a forward pass: a device, a number format, and a model turned into it.

Full precision is float64 or float32. The reduced formats (bfloat16, float16, int8) are faster and
move probabilities; `parity` says by how much, and whether that is admitted.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from finpulse_assets.errors import ModelError

if TYPE_CHECKING:
    import torch

Device = Literal["auto", "cpu", "cuda"]
DType = Literal["auto", "float64", "float32", "bfloat16", "float16", "int8"]

FULL_PRECISION = ("float64", "float32")
# Weights of five million float32 parameters: float64 costs nothing there, and a score does not
# depend on the batch, so that a home that grew day by day equals one that was made at once.
SMALL_WEIGHTS_BYTES = 20_000_000
# Which format a device cannot do, or does so slowly that nobody means it.
_UNFIT = {("cpu", "float16"): "bfloat16 or int8", ("cuda", "int8"): "float16 or bfloat16"}


@dataclass(frozen=True)
class Arithmetic:
    """Where a model computes and in which numbers; nothing in it is "auto" any more."""

    device: str
    dtype: str

    @property
    def is_full_precision(self) -> bool:
        return self.dtype in FULL_PRECISION

    def __str__(self) -> str:
        return f"{self.dtype} on {self.device}"


def choose_arithmetic(folder: Path, device: Device, dtype: DType) -> Arithmetic:
    """Return what "auto" stands for with this model on this machine.

    torch is imported only where a CUDA driver is found, so that a run with nothing to score stays
    light.

    Args:
        folder: of the model; the size of its weights counts.
        device: "auto" takes a CUDA device where there is one, else the CPU.
        dtype: "auto" is float16 on CUDA; on the CPU float64 for a model of at most five million
            parameters, else float32.

    Raises:
        ModelError: CUDA is asked for and absent, or the device has no use for the format.
    """
    cuda_found = device != "cpu" and has_cuda()
    if device == "cuda" and not cuda_found:
        raise ModelError(
            "device is cuda, but torch finds no CUDA device here", hint="use device auto or cpu"
        )
    chosen = "cuda" if cuda_found else "cpu"
    if better := _UNFIT.get((chosen, dtype)):
        raise ModelError(f"{dtype} is not for the device {chosen}", hint=f"use {better}")
    if dtype != "auto":
        return Arithmetic(chosen, dtype)
    if chosen == "cuda":
        return Arithmetic(chosen, "float16")
    weights = sum(path.stat().st_size for path in folder.glob("*.safetensors"))
    return Arithmetic(chosen, "float64" if weights <= SMALL_WEIGHTS_BYTES else "float32")


def has_cuda() -> bool:
    """Return whether torch can use a CUDA device; asks torch only where the driver is there."""
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    import torch

    return torch.cuda.is_available()


def converted(model: torch.nn.Module, arithmetic: Arithmetic) -> torch.nn.Module:
    """Return a float32 model in another arithmetic, on its device; the model itself is used up.

    Raises:
        ModelError: int8 is asked for and the model has no stack of layers.
    """
    import torch

    if arithmetic.dtype == "int8":
        from finpulse_assets.gateways.sentiment.int8 import quantise

        return quantise(model)
    return model.to(arithmetic.device, getattr(torch, arithmetic.dtype))
