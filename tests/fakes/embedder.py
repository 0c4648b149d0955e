"""An embedder without a network: a text's vector follows from its words."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

WIDTH = 24


@dataclass
class CountingEmbedder:
    """Counts words into WIDTH places; `asked` holds every text that it was given."""

    name: str = "counting"
    asked: list[str] = field(default_factory=list)

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        self.asked += texts
        made = np.zeros((len(texts), WIDTH))
        for row, text in enumerate(texts):
            for word in text.split():
                made[row, zlib.crc32(word.encode()) % WIDTH] += 1
        return (made / np.maximum(np.linalg.norm(made, axis=1, keepdims=True), 1)).astype(
            np.float16
        )
