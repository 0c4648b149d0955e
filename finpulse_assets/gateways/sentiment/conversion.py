"""Turning an old pickled state dict into safetensors, once, without running what it carries.

Reading tensors and nothing else out of `pytorch_model.bin`, and the names that changed since.
"""

from __future__ import annotations

from pathlib import Path

from finpulse_assets.errors import ModelError

# TensorFlow's names for LayerNorm in checkpoints of before 2020.
_OLD_SUFFIXES = {".gamma": ".weight", ".beta": ".bias"}
# A buffer that older versions saved and newer ones make themselves.
_BUFFER = "embeddings.position_ids"


def current_name(name: str) -> str:
    """Return today's name of a parameter.

    >>> current_name("bert.embeddings.LayerNorm.gamma")
    'bert.embeddings.LayerNorm.weight'
    """
    for old, new in _OLD_SUFFIXES.items():
        if name.endswith(f"LayerNorm{old}"):
            return name.removesuffix(old) + new
    return name


def convert_to_safetensors(source: Path, target: Path) -> None:
    """Write the tensors of a pickled state dict as safetensors.

    Tensors that share memory are written one by one, each with its own values.

    Raises:
        ModelError: the file holds anything but tensors; it is refused unread, because
            unpickling other objects runs code of whoever made the file.
    """
    import pickle

    import torch
    from safetensors.torch import save_file

    try:
        state = torch.load(source, weights_only=True, map_location="cpu")
    except pickle.UnpicklingError as error:
        raise ModelError(
            f"{source.name} holds something else than tensors, reading it could run code; refused",
            hint="choose a revision of the model with model.safetensors",
        ) from error
    except (OSError, RuntimeError, EOFError, ValueError, KeyError) as error:
        raise ModelError(
            f"{source.name} is no PyTorch weights file or is truncated "
            f"({source.stat().st_size} bytes)",
            hint="fetch the model again",
        ) from error
    is_flat = isinstance(state, dict) and all(
        isinstance(name, str) and isinstance(value, torch.Tensor) for name, value in state.items()
    )
    if not is_flat or not state:
        raise ModelError(
            f"{source.name} is no flat table of named tensors",
            hint="choose a model that was saved with save_pretrained",
        )
    tensors = {
        current_name(name): value.detach().contiguous().clone()
        for name, value in state.items()
        if not name.endswith(_BUFFER)
    }
    save_file(tensors, target, metadata={"format": "pt"})
