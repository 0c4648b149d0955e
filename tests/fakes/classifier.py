"""Stand-ins for the sentiment model: a keyword rule, a small random BERT and labelled sentences."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from finpulse_assets.errors import ModelError
from finpulse_assets.gateways.sentiment.classifier import Scores

UP = ("beats", "raises", "surges", "upgrade", "record")
DOWN = ("misses", "cuts", "plunges", "downgrade", "probe")
CALM = ("meets", "schedules", "opens", "names", "moves")
WORDS = (*UP, *DOWN, *CALM, "acme", "bolt", "core", "profit", "after", "the", "report", "on")

_P_POSITIVE = {-1: 0.05, 0: 0.1, 1: 0.85}


class FakeClassifier:
    """A keyword rule with the interface of `Classifier`; a token is a word."""

    def __init__(self, fingerprint: str = "fake", *, max_length: int = 128) -> None:
        self.fingerprint = fingerprint
        self.max_length = max_length
        self.scored: list[str] = []

    def score(self, texts: Sequence[str]) -> Scores:
        for index, text in enumerate(texts):
            if not isinstance(text, str):
                raise ModelError(f"text {index} is {text!r}, it should be a string")
        words = [text.lower().split() for text in texts]
        signs = [_sign(text[: self.max_length]) for text in words]
        self.scored.extend(texts)
        return Scores(
            p_positive=np.array([_P_POSITIVE[sign] for sign in signs], dtype=float),
            p_negative=np.array([_P_POSITIVE[-sign] for sign in signs], dtype=float),
            p_neutral=np.array([0.8 if sign == 0 else 0.1 for sign in signs], dtype=float),
            is_truncated=np.array([len(text) > self.max_length for text in words], dtype=bool),
            device="cpu",
            dtype="float32",
            texts_per_second=1000.0,
            token_count=sum(min(len(text), self.max_length) for text in words),
        )


def _sign(words: list[str]) -> int:
    balance = sum(word in UP for word in words) - sum(word in DOWN for word in words)
    return (balance > 0) - (balance < 0)


def opinion_sentences(count: int, *, seed: int = 0) -> pl.DataFrame:
    """Return `count` labelled template sentences (text, label), half of them neutral."""
    draw = random.Random(seed)
    moods = {"positive": UP, "negative": DOWN, "neutral": CALM}
    rows = []
    for _ in range(count):
        label = draw.choice(["positive", "negative", "neutral", "neutral"])
        company = draw.choice(["acme", "bolt", "core", "delta", "echo"])
        verb, number = draw.choice(moods[label]), draw.randrange(1000)
        place = draw.choice(["after the report", "on monday", "as profit arrives", "says the desk"])
        rows.append((f"${company} {verb} {number} {place}", label))
    return pl.DataFrame(rows, schema=["text", "label"], orient="row")


def small_bert(
    id2label: dict[int, str] | None = None, *, seed: int = 3, max_tokens: int = 64
) -> Any:
    """Return a random BERT classifier (hidden 32, two layers) in FinBERT's shape."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification

    names = id2label or {0: "positive", 1: "negative", 2: "neutral"}
    config = BertConfig(
        vocab_size=5 + len(WORDS),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=max_tokens,
        id2label=names,
        label2id={name: index for index, name in names.items()},
        initializer_range=0.2,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return BertForSequenceClassification(config).eval()


def save_tokenizer(folder: Path, max_tokens: int = 64) -> None:
    """Write the tokenizer files that the hub's FinBERT has: a vocabulary and two small JSONs."""
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    (folder / "vocab.txt").write_text("\n".join([*special, *WORDS]) + "\n")
    settings = {
        "do_lower_case": True, "model_max_length": max_tokens, "tokenizer_class": "BertTokenizer"
    }  # fmt: skip
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    names = {f"{name[1:-1].lower()}_token": name for name in special}
    (folder / "special_tokens_map.json").write_text(json.dumps(names))


def save_small_bert(folder: Path, model: Any | None = None) -> Path:
    """Write config, tokenizer and model.safetensors of a small BERT; no manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    model = model or small_bert()
    model.save_pretrained(folder)
    save_tokenizer(folder, getattr(model.config, "max_position_embeddings", 64))
    return folder
