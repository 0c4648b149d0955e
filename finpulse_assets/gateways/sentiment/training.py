"""Training a sentiment classifier offline, into the same kind of folder that a fetched one has.

The two recipes (MiniLM's last layer; a tiny net from scratch), the held-out part and the report.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import polars as pl

from finpulse_assets.errors import EvaluationError
from finpulse_assets.gateways.sentiment.classifier import Classifier
from finpulse_assets.gateways.sentiment.encoders import (
    MINILM_PACKAGE,
    divide_logits,
    minilm_folder,
    minilm_task,
    tiny_task,
)
from finpulse_assets.gateways.sentiment.evaluation import label_codes, score_labelled
from finpulse_assets.gateways.sentiment.fitting import Task, best_temperature, fit, predict
from finpulse_assets.gateways.sentiment.loading import quiet_transformers
from finpulse_assets.gateways.sentiment.manifest import LABELS, publish, write_manifest

__all__ = ["TrainingReport", "minilm_available", "score_labelled", "train_on_minilm", "train_tiny"]

HELD_OUT_SHARE = 0.15
MINIMUM_ROWS_PER_LABEL = 20


@dataclass(frozen=True)
class TrainingReport:
    """What a training run gave; the metrics are of the saved model on texts it never saw.

    `accuracy`, `macro_f1`, `weighted_f1` and `majority_accuracy` (always saying the most
    frequent label) are fractions. `log_loss` (nats) follows one `temperature` that was fitted on
    the same held-out part. `threads` are torch's, part of what makes a run repeatable.
    """

    recipe: str
    train_rows: int
    held_out_rows: int
    accuracy: float
    macro_f1: float
    weighted_f1: float
    log_loss: float
    majority_accuracy: float
    temperature: float
    threads: int
    seconds: float


def minilm_available() -> bool:
    """Return whether the packaged MiniLM encoder is installed (its bytes are checked in use)."""
    return find_spec(MINILM_PACKAGE) is not None


def train_on_minilm(
    labelled: pl.DataFrame, out: Path, *, seed: int = 7, epochs: int = 6
) -> TrainingReport:
    """Train the last layer and the head of the packaged MiniLM encoder.

    Args:
        labelled: `text` (normalised) and `label` (positive, negative or neutral). Each distinct
            text is used once; about 15 KB of memory per text.
        out: the model folder to write; an older model in it is replaced.
        seed: of the held-out part, the new weights and the order of batches.
        epochs: passes over the training part.

    Raises:
        ModelError: the encoder is absent or its bytes are not the published ones.
        EvaluationError: a label has fewer than 20 distinct texts.
        SchemaError: the frame is of another shape.
    """
    started = time.perf_counter()
    folder = minilm_folder()
    split = _split(labelled, seed)

    def build() -> tuple[Task, Any]:
        return minilm_task(folder, split.texts, split.labels)

    return _train("minilm", build, split, out, seed=seed, epochs=epochs, started=started)


def train_tiny(
    labelled: pl.DataFrame, out: Path, *, seed: int = 7, epochs: int = 6
) -> TrainingReport:
    """Train a two-layer BERT with its own vocabulary from scratch; needs no other model.

    Arguments and errors are those of `train_on_minilm`, without the encoder. It learns the words
    of its texts and nothing beyond them: good for simulated texts, poor for the world's.
    """
    started = time.perf_counter()
    split = _split(labelled, seed)
    train_texts = [split.texts[row] for row in split.train]

    def build() -> tuple[Task, Any]:
        return tiny_task(split.texts, split.labels, train_texts, seed=seed)

    return _train("tiny", build, split, out, seed=seed, epochs=epochs, started=started)


@dataclass(frozen=True)
class _Split:
    texts: list[str]
    labels: np.ndarray
    train: np.ndarray
    held_out: np.ndarray

    def held_out_frame(self) -> pl.DataFrame:
        return pl.DataFrame(
            {
                "text": [self.texts[row] for row in self.held_out],
                "label": [LABELS[self.labels[row]] for row in self.held_out],
            }
        )


def _split(labelled: pl.DataFrame, seed: int) -> _Split:
    label_codes(labelled)
    # Sorted first: the order of arrival decides nothing. A repeated text would be in both parts.
    distinct = (
        labelled.select("text", "label")
        .sort("text", "label")
        .unique("text", keep="first", maintain_order=True)
    )
    labels = label_codes(distinct)
    counts = np.bincount(labels, minlength=len(LABELS))
    if counts.min() < MINIMUM_ROWS_PER_LABEL:
        rarest = LABELS[int(counts.argmin())]
        raise EvaluationError(
            f"{rarest} has {counts.min()} distinct labelled texts, "
            f"training needs {MINIMUM_ROWS_PER_LABEL} of each label",
            hint="add labelled texts",
        )
    generator = np.random.default_rng(seed)
    held_out = []
    for code in range(len(LABELS)):
        rows = generator.permutation(np.flatnonzero(labels == code))
        held_out.append(rows[: round(len(rows) * HELD_OUT_SHARE)])
    kept = np.sort(np.concatenate(held_out))
    train = np.setdiff1d(np.arange(len(labels)), kept)
    return _Split(distinct["text"].to_list(), labels, train, kept)


def _train(
    recipe: str,
    build: Callable[[], tuple[Task, Any]],
    split: _Split,
    out: Path,
    *,
    seed: int,
    epochs: int,
    started: float,
) -> TrainingReport:
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        task, tokenizer = build()
    fit(task, split.train, epochs=epochs, batch_rows=32, seed=seed)
    temperature = best_temperature(predict(task, split.held_out), split.labels[split.held_out])
    divide_logits(task.module, temperature)
    out.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=out.parent, prefix=".train-") as temporary:
        staging = Path(temporary) / "model"
        with quiet_transformers():
            task.module.save_pretrained(staging)
            tokenizer.save_pretrained(staging)
        write_manifest(staging)
        metrics = score_labelled(Classifier.load(staging, device="cpu"), split.held_out_frame())
        metrics.pop("row_count")
        report = TrainingReport(
            recipe=recipe,
            train_rows=len(split.train),
            held_out_rows=len(split.held_out),
            temperature=temperature,
            threads=torch.get_num_threads(),
            seconds=time.perf_counter() - started,
            **metrics,
        )
        write_manifest(staging, {"training": asdict(report)})
        publish(staging, out)
    return report
