"""The companion: TF-IDF of words and letters with a logistic regression, averaged into the model.

It knows the wording of its own field by heart, where the encoder knows the language. scikit-learn
fits it; it is kept as JSON and safetensors, and applied by the few lines below.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import log
from pathlib import Path
from typing import Any

import numpy as np

from finpulse_assets.errors import ModelError

TERMS, WEIGHTS = "companion.json", "companion.safetensors"
MOST_LETTERS, MOST_WORDS = 5, 2
RAREST = 3  # texts that a term is in
INVERSE_PENALTY = 4.0
CHUNK = 4096
WORD, LETTERS = "w ", "c"  # begin the terms of each

_WORD = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True)
class Companion:
    """A linear classifier of terms.

    `terms` are the known terms; `idf` is float32 of shape (terms,), `weights` float32 of shape
    (terms, labels) and `bias` float32 of shape (labels,), the labels in the order of LABELS.
    """

    terms: tuple[str, ...]
    idf: np.ndarray
    weights: np.ndarray
    bias: np.ndarray

    @classmethod
    def fit(cls, texts: Sequence[str], labels: np.ndarray, row_weights: np.ndarray) -> Companion:
        """Fit the companion of some texts.

        Args:
            texts: normalised, n of them.
            labels: positions in LABELS, int64 of shape (n,); each label is there.
            row_weights: how much each text counts, of shape (n,).
        """
        from sklearn.linear_model import LogisticRegression

        counted = [Counter(terms_of(text)) for text in texts]
        frequency = Counter(term for counts in counted for term in counts)
        terms = tuple(sorted(term for term, count in frequency.items() if count >= RAREST))
        idf = np.log((1 + len(texts)) / (1 + np.array([frequency[term] for term in terms]))) + 1
        blank = cls(terms, idf.astype(np.float32), np.zeros((0, 0)), np.zeros(0))
        model = LogisticRegression(C=INVERSE_PENALTY, max_iter=300)
        model.fit(blank.matrix(texts), labels, sample_weight=row_weights)
        return cls(
            terms, blank.idf, model.coef_.T.astype(np.float32), model.intercept_.astype(np.float32)
        )

    def probabilities(self, texts: Sequence[str]) -> np.ndarray:
        """Return the probability of each label, float64 of shape (len(texts), labels)."""
        from scipy.special import softmax

        parts = [np.zeros((0, len(self.bias)))]
        for start in range(0, len(texts), CHUNK):
            logits = self.matrix(texts[start : start + CHUNK]) @ self.weights.astype(np.float64)
            parts.append(softmax(logits + self.bias, axis=1))
        return np.concatenate(parts)

    def matrix(self, texts: Sequence[str]) -> Any:
        """Return log-scaled TF-IDF, a sparse float32 matrix of shape (texts, terms).

        Of a text the words have unit length, and so have the letters: there are many more letters.
        """
        from scipy.sparse import csr_array

        rows, columns, values = [], [], []
        for row, text in enumerate(texts):
            for term, count in Counter(terms_of(text)).items():
                if (column := self._column.get(term)) is not None:
                    rows.append(row)
                    columns.append(column)
                    values.append((1 + log(count)) * self.idf[column])
        at, column = np.array(rows, dtype=np.int64), np.array(columns, dtype=np.int64)
        weights = np.array(values, dtype=np.float64)
        part = 2 * at + self._is_word[column]
        length = np.sqrt(np.bincount(part, weights=weights**2, minlength=2 * len(texts)))
        weights /= length[part]
        shape = (len(texts), len(self.terms))
        return csr_array((weights.astype(np.float32), (at, column)), shape=shape)

    @cached_property
    def _is_word(self) -> np.ndarray:
        return np.array([term.startswith(WORD) for term in self.terms], dtype=np.int64)

    @cached_property
    def _column(self) -> dict[str, int]:
        return {term: at for at, term in enumerate(self.terms)}

    def save(self, folder: Path) -> None:
        """Write the companion into a model folder."""
        from safetensors.numpy import save_file

        arrays = {"idf": self.idf, "weights": self.weights, "bias": self.bias}
        save_file({name: np.ascontiguousarray(it) for name, it in arrays.items()}, folder / WEIGHTS)
        (folder / TERMS).write_text(json.dumps(self.terms, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Companion | None:
        """Return the companion of a model folder, None where it has none.

        Raises:
            ModelError: its two files do not fit each other.
        """
        from safetensors.numpy import load_file

        if not (folder / TERMS).is_file():
            return None
        terms = tuple(json.loads((folder / TERMS).read_text(encoding="utf-8")))
        arrays = load_file(folder / WEIGHTS)
        if len(arrays["idf"]) != len(terms):
            raise ModelError(
                f"{folder / TERMS} has {len(terms)} terms, {WEIGHTS} has {len(arrays['idf'])}",
                hint="train the model again",
            )
        return cls(terms, arrays["idf"], arrays["weights"], arrays["bias"])


def terms_of(text: str) -> Iterator[str]:
    """Yield the terms of a text: words, pairs of words, and two to five letters within a word.

    >>> [term for term in terms_of("Up 2 %") if term[0] == "w"]
    ['w up', 'w 2', 'w %', 'w up 2', 'w 2 %']
    """
    words = _WORD.findall(text.lower())
    for size in range(1, MOST_WORDS + 1):
        for at in range(len(words) - size + 1):
            yield WORD + " ".join(words[at : at + size])
    for word in words:
        padded = f" {word} "
        for size in range(2, MOST_LETTERS + 1):
            for at in range(max(len(padded) - size + 1, 1)):
                yield LETTERS + padded[at : at + size]
