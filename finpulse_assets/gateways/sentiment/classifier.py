"""The sentiment classifier: a folder of safetensors in, three probabilities per text out.

The loaded model and its forward pass in length-sorted batches under a token budget.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from finpulse_assets.errors import ModelError
from finpulse_assets.gateways.sentiment.arithmetic import (
    Device,
    DType,
    choose_arithmetic,
    converted,
)
from finpulse_assets.gateways.sentiment.calibration import Calibration
from finpulse_assets.gateways.sentiment.loading import check_limits, load_parts
from finpulse_assets.gateways.sentiment.manifest import (
    LABELS,
    MAX_LENGTH,
    check_manifest,
    model_fingerprint,
    read_labels,
)

# The same text in another batch differs by about 1e-7 in float32 (other kernels, other sums), which
# moves one text in some hundreds by the last decimal; in float64 by 1e-16, which moves none.
PROBABILITY_DECIMALS = 6
# Tokens a batch, padding included: past these a CPU gains nothing, and a GPU is kept busy.
TOKEN_BUDGET = {"cpu": 4_096, "cuda": 32_768}

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Scores:
    """Scores of n texts in the order of the texts.

    `p_positive`, `p_negative`, `p_neutral` are float64 of shape (n,), rounded to 6 decimals;
    `is_truncated` is bool of shape (n,): the text had more tokens than the model was given.
    `token_count` counts tokens without padding, `texts_per_second` includes tokenising.
    """

    p_positive: np.ndarray
    p_negative: np.ndarray
    p_neutral: np.ndarray
    is_truncated: np.ndarray
    device: str
    dtype: str
    texts_per_second: float
    token_count: int

    @property
    def probabilities(self) -> np.ndarray:
        """The three of each text, float64 of shape (n, labels), in the order of LABELS."""
        return np.stack([getattr(self, f"p_{name}") for name in LABELS], axis=1)


@dataclass(frozen=True)
class Classifier:
    """A loaded model; make one with `Classifier.load`."""

    fingerprint: str
    labels: tuple[str, ...]
    device: str
    dtype: str
    max_length: int
    token_budget: int
    _tokenizer: Any
    _model: Any
    _calibration: Calibration

    @classmethod
    def load(
        cls,
        folder: Path,
        *,
        device: Device = "auto",
        dtype: DType = "auto",
        max_length: int = MAX_LENGTH,
        token_budget: int | None = None,
    ) -> Classifier:
        """Load a model folder after checking every file against its manifest.

        Args:
            folder: config.json, tokenizer files, model.safetensors and manifest.json.
            device, dtype: see `choose_arithmetic`. A reduced dtype is taken as it is asked for;
                whether it stays close to float32 is for `parity.admit` to say.
            max_length: tokens read of a text; the rest is cut and `is_truncated` says so.
            token_budget: tokens per batch, padding included; None is TOKEN_BUDGET of the device.

        Raises:
            ModelError: the files differ from the manifest, the labels are not the three
                sentiments, weights are missing, or the device cannot be had or lacks the dtype.
        """
        check_manifest(folder)
        labels = read_labels(folder)
        arithmetic = choose_arithmetic(folder, device, dtype)
        tokenizer, model = load_parts(folder)
        budget = token_budget or TOKEN_BUDGET[arithmetic.device]
        check_limits(folder, tokenizer, model, max_length, budget)
        _log.info("sentiment model %s runs in %s", folder.name, arithmetic)
        return cls(
            fingerprint=model_fingerprint(folder, dtype=arithmetic.dtype, max_length=max_length),
            labels=labels,
            device=arithmetic.device,
            dtype=arithmetic.dtype,
            max_length=max_length,
            token_budget=budget,
            _tokenizer=tokenizer,
            _model=converted(model, arithmetic).eval(),
            _calibration=Calibration.load(folder),
        )

    def score(self, texts: Sequence[str]) -> Scores:
        """Score texts; equal texts get equal scores, in whatever order they come.

        Args:
            texts: normalised texts.

        Raises:
            ModelError: a value is no string, one text alone exceeds the GPU's memory, or the
                model answers with NaN.
        """
        started = time.perf_counter()
        token_ids, is_truncated = self._tokenise(texts)
        probabilities = np.zeros((len(texts), len(self.labels)))
        for rows, part in self._batches(token_ids):
            probabilities[rows] = part
        ordered = probabilities[:, [self.labels.index(name) for name in LABELS]]
        calibrated = self._calibration.apply(texts, ordered)
        seconds = time.perf_counter() - started
        positive, negative, neutral = calibrated.round(PROBABILITY_DECIMALS).T
        return Scores(
            p_positive=positive,
            p_negative=negative,
            p_neutral=neutral,
            is_truncated=is_truncated,
            device=self.device,
            dtype=self.dtype,
            texts_per_second=len(texts) / seconds,
            token_count=sum(len(ids) for ids in token_ids),
        )

    def _tokenise(self, texts: Sequence[str]) -> tuple[list[list[int]], np.ndarray]:
        for index, text in enumerate(texts):
            if not isinstance(text, str):
                raise ModelError(
                    f"text {index} is {text!r}, it should be a string", hint="drop rows without"
                )
        if not texts:
            return [], np.zeros(0, dtype=bool)
        encoded = self._tokenizer(
            list(texts),
            truncation=True,
            max_length=self.max_length,
            padding=False,
            return_attention_mask=False,
            return_token_type_ids=False,
        )
        cut = [bool(encoding.overflowing) for encoding in encoded.encodings]
        return encoded["input_ids"], np.array(cut)

    def _batches(self, token_ids: list[list[int]]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        import torch

        lengths = np.array([len(ids) for ids in token_ids])
        # Longest first: if memory is too small, that shows in the first batch.
        order = np.argsort(-lengths, kind="stable")
        budget, start = self.token_budget, 0
        while start < len(order):
            size = max(1, budget // int(lengths[order[start]]))
            rows = order[start : start + size]
            try:
                part = self._forward([token_ids[row] for row in rows])
            except torch.OutOfMemoryError as error:
                if len(rows) == 1:
                    raise ModelError(
                        f"one text of {lengths[rows[0]]} tokens exceeds the memory of "
                        f"{self.device}",
                        hint="free the GPU or use device cpu",
                    ) from error
                budget //= 2
                _log.warning("out of memory on %s: token budget now %d", self.device, budget)
                torch.cuda.empty_cache()
                continue
            start += len(rows)
            yield rows, part

    def _forward(self, token_ids: list[list[int]]) -> np.ndarray:
        import torch

        lengths = np.array([len(ids) for ids in token_ids])
        is_token = np.arange(lengths.max()) < lengths[:, None]
        padded = np.full(is_token.shape, self._tokenizer.pad_token_id, dtype=np.int64)
        padded[is_token] = np.concatenate(token_ids)
        inputs = {"input_ids": padded, "attention_mask": is_token.astype(np.int64)}
        with torch.inference_mode():
            logits = self._model(
                **{name: torch.from_numpy(it).to(self.device) for name, it in inputs.items()}
            ).logits
            probabilities = logits.double().softmax(dim=1).cpu().numpy()
        if not np.isfinite(probabilities).all():
            raise ModelError(
                f"the model answers with NaN in {self.dtype} on {self.device}",
                hint="use dtype float32",
            )
        return probabilities
