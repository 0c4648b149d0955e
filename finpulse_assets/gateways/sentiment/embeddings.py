"""Sentence embeddings of texts: made once a text by the packaged MiniLM, kept in half precision.

https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2

The mean of the last states of a text's tokens, of length 1, is what this encoder was trained for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import polars as pl

from finpulse_assets.gateways.sentiment.encoders import MINILM_SHA256, minilm_folder
from finpulse_assets.gateways.sentiment.loading import quiet_transformers
from finpulse_assets.gateways.sentiment.score_store import ScoreStore

SCHEMA = {"text_hash": pl.String, "embedding": pl.Binary}
MAX_TOKENS, BATCH, CHUNK = 128, 64, 2048  # a killed run loses at most a chunk


class Embedder(Protocol):
    """What turns texts into vectors; `MiniLM` and the tests' fake do."""

    name: str

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Return float16 of shape (n, d), each of length 1."""
        ...


@dataclass
class MiniLM:
    """The packaged encoder; it is loaded at the first text."""

    name: str = f"minilm-{MINILM_SHA256[:12]}"

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Return float16 of shape (n, 384).

        Raises:
            ModelError: the encoder is not installed, or its weights are not the published ones.
        """
        import torch

        tokenizer, model = self._parts
        order = np.argsort([len(text) for text in texts], kind="stable")
        made = np.zeros((len(texts), model.config.hidden_size), dtype=np.float16)
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            tokens = tokenizer(
                [texts[row] for row in rows],
                truncation=True, max_length=MAX_TOKENS, padding=True, return_tensors="pt",
            )  # fmt: skip
            with torch.inference_mode():
                states = model(**tokens).last_hidden_state
            mask = tokens["attention_mask"].unsqueeze(-1)
            mean = (states * mask).sum(dim=1) / mask.sum(dim=1)
            made[rows] = torch.nn.functional.normalize(mean, dim=1).half().numpy()
        return made

    @cached_property
    def _parts(self) -> tuple[Any, Any]:
        from transformers import AutoModel, AutoTokenizer

        folder = minilm_folder()
        with quiet_transformers():
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            model = AutoModel.from_pretrained(folder, local_files_only=True, use_safetensors=True)
        return tokenizer, model.eval()


def embeddings_of(
    folder: Path,
    embedder: Embedder,
    texts: pl.DataFrame,
    *,
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[pl.Series, np.ndarray]:
    """Return the hashes of the distinct texts and their embeddings, those that are new made now.

    Args:
        folder: of the stores.
        embedder: that makes them.
        texts: text_hash and text (normalised).
        on_progress: called with (texts embedded, texts to embed) after each chunk.

    Raises:
        LakeError: the store cannot be read.
    """
    distinct = texts.unique("text_hash", keep="any").sort("text_hash")
    store = ScoreStore(folder, f"embeddings-{embedder.name}", SCHEMA)
    parts = [store.known(distinct["text_hash"])]
    lacking = distinct.join(parts[0], on="text_hash", how="anti")
    for start in range(0, lacking.height, CHUNK):
        chunk = lacking.slice(start, CHUNK)
        made = embedder.embed(chunk["text"].to_list())
        rows = chunk.select("text_hash").with_columns(
            embedding=pl.Series([row.tobytes() for row in made], dtype=pl.Binary)
        )
        store.add(rows)
        parts.append(rows)
        if on_progress:
            on_progress(start + chunk.height, lacking.height)
    found = pl.concat(parts).sort("text_hash")
    if found.is_empty():
        return found["text_hash"], np.zeros((0, 1), dtype=np.float16)
    raw = b"".join(found["embedding"])
    return found["text_hash"], np.frombuffer(raw, dtype=np.float16).reshape(found.height, -1)
