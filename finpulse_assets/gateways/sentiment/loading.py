"""Turning a checked model folder into a tokenizer and a torch model, or one clear sentence.

The call into transformers (safetensors only, no remote code, no network) and the limits a model
sets.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finpulse_assets.errors import ModelError

if TYPE_CHECKING:
    import torch


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Silence the load reports and progress bars of transformers; errors still raise."""
    from transformers.utils import logging as hf_logging

    verbosity, has_bar = hf_logging.get_verbosity(), hf_logging.is_progress_bar_enabled()
    hf_logging.set_verbosity_error()
    hf_logging.disable_progress_bar()
    try:
        yield
    finally:
        hf_logging.set_verbosity(verbosity)
        if has_bar:
            hf_logging.enable_progress_bar()


def load_parts(folder: Path) -> tuple[Any, torch.nn.Module]:
    """Return tokenizer and float32 model of a folder whose manifest was checked.

    Raises:
        ModelError: transformers cannot read the folder, or the head is untrained.
    """
    import torch
    from safetensors import SafetensorError
    from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer

    from finpulse_assets.gateways.sentiment.network import PooledClassifier

    options = {"local_files_only": True, "trust_remote_code": False}
    try:
        with quiet_transformers():
            tokenizer = AutoTokenizer.from_pretrained(folder, **options)
            config = AutoConfig.from_pretrained(folder, **options)
            is_ours = config.architectures == [PooledClassifier.__name__]
            network = PooledClassifier if is_ours else AutoModelForSequenceClassification
            model, report = network.from_pretrained(
                folder,
                config=config,
                use_safetensors=True,
                dtype=torch.float32,
                output_loading_info=True,
                **options,
            )
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        first = str(error).strip().splitlines()[0]
        raise ModelError(
            f"{folder} cannot be loaded as a sequence classifier: {first}",
            hint="it needs config.json, a tokenizer and model.safetensors of one model",
        ) from error
    # transformers fills missing weights with random numbers: a scorer that looks well and is noise.
    if missing := sorted(report["missing_keys"]):
        raise ModelError(
            f"{folder} lacks {len(missing)} weights of a classifier, for example {missing[0]}",
            hint="this is an encoder without a trained head; choose a fine-tuned model",
        )
    return tokenizer, model


def check_limits(
    folder: Path, tokenizer: Any, model: Any, max_length: int, token_budget: int
) -> None:
    """Hold `max_length` and `token_budget` (tokens) to what the model can read.

    Raises:
        ModelError: one of them is out of range, the tokenizer cannot pad, or it is another model's.
    """
    if len(tokenizer) > model.config.vocab_size:
        raise ModelError(
            f"the tokenizer of {folder} has {len(tokenizer)} tokens, the model knows "
            f"{model.config.vocab_size}",
            hint="copy the tokenizer that the model was trained with",
        )
    limit = min(model.config.max_position_embeddings, tokenizer.model_max_length)
    if not 3 <= max_length <= limit:
        raise ModelError(f"max_length is {max_length} tokens, {folder.name} reads 3 to {limit}")
    if token_budget < max_length:
        raise ModelError(
            f"token_budget is {token_budget} tokens, one text may have {max_length}",
            hint="raise token_budget or lower max_length",
        )
    if not tokenizer.is_fast or tokenizer.pad_token_id is None:
        raise ModelError(f"the tokenizer of {folder} is not a fast one with a padding token")
