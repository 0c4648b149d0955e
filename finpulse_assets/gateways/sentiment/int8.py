"""Linear layers in int8 for the CPU, the rest of a model in bfloat16.

Imports torch at once; import this module only where a model is loaded.

torch's own dynamic quantisation gives a whole batch one scale: on a trained MiniLM it flipped 12 %
of the labels, and a text's score depended on its neighbours. Here each token has a scale of its
own.
"""

from __future__ import annotations

import torch
from torch import nn

from finpulse_assets.errors import ModelError

# One less than int8 holds: a scale that was rounded up must not carry a value past it.
_LARGEST = 126


class _Scaled:
    """Activations as int8 with a scale a token, the last ones kept.

    Query, key and value are given the same tensor one after the other: it is scaled once.
    """

    def __init__(self) -> None:
        self._values: torch.Tensor | None = None
        self._made: tuple[torch.Tensor, torch.Tensor] | None = None

    def of(self, values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the values as int8, and what a token of them is to be multiplied with."""
        if self._made is None or values is not self._values:
            # Faster than the largest of the absolute values, which have to be written first.
            most, least = values.amax(dim=-1, keepdim=True), values.amin(dim=-1, keepdim=True)
            reach = torch.maximum(most, -least).float().clamp(min=1e-12)
            scale = (_LARGEST / reach).to(values.dtype)
            whole = (values * scale).round_().to(torch.int8)
            self._values, self._made = values, (whole, (1 / scale.float()).to(values.dtype))
        return self._made


class Int8Linear(nn.Module):
    """A linear layer from bfloat16 to bfloat16 that multiplies in int8, by oneDNN.

    Weights have a scale an output, activations a scale a token; sums are exact.
    """

    def __init__(self, linear: nn.Linear, scaled: _Scaled | None = None) -> None:
        super().__init__()
        weight = linear.weight.detach()
        self._scaled = scaled or _Scaled()
        self._scales = (weight.abs().amax(dim=1) / _LARGEST).clamp(min=1e-12)
        self._zeros = torch.zeros(len(weight), dtype=torch.int64)
        rows = (weight / self._scales[:, None]).round().to(torch.int8)
        self._packed = torch.ops.onednn.qlinear_prepack(rows, None)
        bias = torch.zeros(len(weight)) if linear.bias is None else linear.bias.detach()
        self._bias = bias.to(torch.bfloat16)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        whole, inverse = self._scaled.of(values)
        made = torch.ops.onednn.qlinear_pointwise(
            whole, 1.0, 0, self._packed, self._scales, self._zeros, None, 1.0, 0,
            torch.bfloat16, "none", [], "",
        )  # fmt: skip
        return torch.addcmul(self._bias, made, inverse)


def quantise(model: nn.Module) -> nn.Module:
    """Turn a float32 model into one of int8 and bfloat16.

    Int8 are the linear layers of every stack that do not make their input narrower; to scale the
    wide input of one that does costs more than its multiplication saves.

    Raises:
        ModelError: the model has no such layer.
    """
    stacks = [module for module in model.modules() if isinstance(module, nn.ModuleList)]
    parents = {id(module): module for stack in stacks for module in stack.modules()}.values()
    found = [
        (parent, name, child)
        for parent in parents
        for name, child in parent.named_children()
        if isinstance(child, nn.Linear) and child.in_features <= child.out_features
    ]
    if not found:
        raise ModelError("the model has no stack of linear layers", hint="use dtype bfloat16")
    scaled = _Scaled()
    made = [(parent, name, Int8Linear(child, scaled)) for parent, name, child in found]
    model = model.to(torch.bfloat16)
    for parent, name, layer in made:
        setattr(parent, name, layer)
    return model
