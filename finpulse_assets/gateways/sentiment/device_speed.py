"""How fast a model scores, by device, dtype, batch and length of texts.

Beside it stands the device's own peak of matrix multiplication, which bounds it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finpulse_assets.errors import EvaluationError
from finpulse_assets.gateways.sentiment.arithmetic import Arithmetic, has_cuda
from finpulse_assets.gateways.sentiment.classifier import Classifier
from finpulse_assets.gateways.sentiment.loading import load_parts

if TYPE_CHECKING:
    import torch

_DTYPES = {"cpu": ("float32", "bfloat16", "int8"), "cuda": ("float32", "bfloat16", "float16")}
# Rows of the square matrices. On a CPU a pass takes milliseconds: other work on the machine leaves
# some of them alone, and a peak that it lowers makes the model's share of it too large.
_PEAK_SIZE = {"cpu": 1024, "cuda": 8192}
_PEAK_SECONDS = 1.0


def arithmetics_here() -> list[Arithmetic]:
    """Return every device of this machine with the dtypes that it is used with."""
    devices = ["cpu", *(["cuda"] if has_cuda() else [])]
    return [Arithmetic(device, dtype) for device in devices for dtype in _DTYPES[device]]


def measure_speed(
    folder: Path,
    arithmetics: Sequence[Arithmetic],
    *,
    batch_texts: Sequence[int],
    text_tokens: Sequence[int],
    seconds: float = 0.5,
) -> Iterator[dict[str, Any]]:
    """Yield one row for each arithmetic, batch and length; tokenising is part of the time.

    Args:
        folder: of the model.
        arithmetics: what to measure it in.
        batch_texts: texts a batch.
        text_tokens: tokens a text; no text is longer than the model reads.
        seconds: at least so long a cell is repeated, and twice; its fastest pass counts.

    Yields:
        device, dtype, batch_texts, text_tokens, texts_per_second, tokens_per_second,
        peak_teraflops (the device's own, in that dtype) and peak_share (of it, 0 to 1).

    Raises:
        ModelError: the model cannot be loaded, or a batch exceeds the memory.
        EvaluationError: a batch has no text, or a text fewer than 3 tokens.
    """
    if min(batch_texts, default=0) < 1 or min(text_tokens, default=0) < 3:
        raise EvaluationError(
            f"batches are {list(batch_texts)} texts, texts {list(text_tokens)} tokens",
            hint="give at least one of each: 1 text or more, 3 tokens or more",
        )
    _, model = load_parts(folder)
    flops = {tokens: matmul_flops(model, tokens) for tokens in text_tokens}
    del model
    for arithmetic in arithmetics:
        peak = matmul_peak(arithmetic)
        loaded = Classifier.load(
            folder,
            device=arithmetic.device,
            dtype=arithmetic.dtype,
            max_length=max(text_tokens),
        )
        for tokens in text_tokens:
            for batch in batch_texts:
                classifier = replace(loaded, max_length=tokens, token_budget=tokens * batch)
                texts = ["up " * tokens] * batch  # cut to `tokens` by the tokenizer
                took = _fastest(lambda it=classifier, texts=texts: it.score(texts), seconds)
                rate = batch / took
                yield {
                    "device": arithmetic.device, "dtype": arithmetic.dtype,
                    "batch_texts": batch, "text_tokens": tokens,
                    "texts_per_second": rate, "tokens_per_second": rate * tokens,
                    "peak_teraflops": peak / 1e12, "peak_share": rate * flops[tokens] / peak,
                }  # fmt: skip


def matmul_flops(model: torch.nn.Module, tokens: int) -> float:
    """Return the operations of the matrix multiplications of one text, in its stacks of layers."""
    from torch import nn

    stacks = [module for module in model.modules() if isinstance(module, nn.ModuleList)]
    linear = {
        id(it): it.weight.numel()
        for stack in stacks
        for it in stack.modules()
        if isinstance(it, nn.Linear)
    }
    attention = 4 * tokens * model.config.hidden_size * model.config.num_hidden_layers
    return float(tokens * (2 * sum(linear.values()) + attention))


def matmul_peak(arithmetic: Arithmetic) -> float:
    """Return the operations a second that one large matrix multiplication reaches."""
    import torch

    size = _PEAK_SIZE[arithmetic.device]
    if arithmetic.dtype == "int8":
        one = torch.randint(-100, 100, (size, size), dtype=torch.int8, device=arithmetic.device)
        multiply = torch._int_mm
    else:
        dtype = getattr(torch, arithmetic.dtype)
        one = torch.rand(size, size, device=arithmetic.device).to(dtype)
        multiply = torch.matmul

    def once() -> None:
        multiply(one, one)
        if arithmetic.device == "cuda":
            torch.cuda.synchronize()

    with torch.inference_mode():
        return 2.0 * size**3 / _fastest(once, _PEAK_SECONDS)


def _fastest(call: Callable[[], object], seconds: float) -> float:
    """Return the seconds of the fastest call; the first one warms up and does not count."""
    call()
    found: list[float] = []
    while len(found) < 2 or sum(found) < seconds:
        began = time.perf_counter()
        call()
        found.append(time.perf_counter() - began)
    return min(found)
