"""Training a sentiment classifier offline, into the same kind of folder that a fetched one has.

The parts of the labelled sets, the encoder, the companion, the calibration, and the report.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import polars as pl

from finpulse_assets.domain.texts.copies import copy_key
from finpulse_assets.errors import EvaluationError
from finpulse_assets.gateways.sentiment.calibration import fit_calibration
from finpulse_assets.gateways.sentiment.classifier import Classifier
from finpulse_assets.gateways.sentiment.companion import Companion
from finpulse_assets.gateways.sentiment.encoders import (
    MINILM,
    TINY,
    encoder_of,
    minilm_folder,
    tiny_encoder,
)
from finpulse_assets.gateways.sentiment.evaluation import label_codes, score_labelled
from finpulse_assets.gateways.sentiment.fitting import Fit
from finpulse_assets.gateways.sentiment.labelled_texts import DEV, TRAIN, LabelledSet
from finpulse_assets.gateways.sentiment.loading import quiet_transformers
from finpulse_assets.gateways.sentiment.manifest import LABELS, SEEN, publish, write_manifest
from finpulse_assets.gateways.sentiment.modes import FROM_SCRATCH, MODES, Mode

MINIMUM_ROWS_PER_LABEL = 20
WEAK_WEIGHT = 0.2


@dataclass(frozen=True)
class TrainingPlan:
    """What is trained, and how.

    `base` is "minilm", "tiny" (from random weights, so always in full) or the folder of an encoder.
    """

    base: str
    mode: str = "head"
    has_companion: bool = True
    seed: int = 7

    @property
    def way(self) -> Mode:
        return FROM_SCRATCH if self.base == TINY else MODES[self.mode]


@dataclass(frozen=True)
class TrainingReport:
    """What a training run gave.

    `dev` has, by labelled set, the figures of the saved model on that set's dev part, none of whose
    texts or their copies was trained on. `quality_by_epoch` is the mean accuracy of dev before
    calibration. `left_out` counts, by set, the rows that took no part. `calibration` is what each
    kind of text needed. `threads` are torch's, part of what makes a run repeatable.
    """

    base: str
    mode: str
    train_rows: int
    dev_rows: int
    dev: Mapping[str, Mapping[str, float]]
    quality_by_epoch: Sequence[float]
    left_out: Mapping[str, Mapping[str, int]]
    licences: Mapping[str, str]
    calibration: Mapping[str, Mapping[str, object]]
    threads: int
    seconds: float = field(compare=False)


@dataclass(frozen=True)
class _Rows:
    """The texts of all sets in one order, train first."""

    texts: list[str]
    labels: np.ndarray
    weights: np.ndarray
    dev_set: np.ndarray  # number of the set of a dev text, -1 of a train text

    @property
    def train(self) -> np.ndarray:
        return np.flatnonzero(self.dev_set < 0)

    @property
    def dev(self) -> np.ndarray:
        return np.flatnonzero(self.dev_set >= 0)


def train(
    sets: Sequence[LabelledSet], plan: TrainingPlan, out: Path, *, device: str = "cpu"
) -> TrainingReport:
    """Train a classifier on the train parts of labelled sets, held to their dev parts.

    Args:
        sets: without copies of dev texts in train parts (`labelled_texts.without_copies`).
        plan: what is trained, and how.
        out: the model folder to write; an older model in it is replaced.
        device: "cpu" or "cuda".

    Raises:
        ModelError: the encoder is absent or cannot be used.
        EvaluationError: a label has fewer than 20 texts to train on, or there is no dev text.
        SchemaError: a set is of another shape.
    """
    import torch
    from scipy.special import softmax

    started = time.perf_counter()
    rows = _rows(sets)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(plan.seed)
        model, tokenizer = _encoder(plan, [rows.texts[row] for row in rows.train])
    fit = Fit(model, tokenizer, rows.texts, rows.labels, plan.way, device=device, seed=plan.seed)
    history = fit.run(rows.train, rows.weights, rows.dev, _mean_accuracy(rows))
    texts = np.array(rows.texts, dtype=object)
    companion = None
    if plan.has_companion:
        train_texts, weights = texts[rows.train], rows.weights[rows.train]
        companion = Companion.fit(train_texts, rows.labels[rows.train], weights)
    network = softmax(fit.logits(rows.dev).astype(np.float64), axis=1)
    calibration = fit_calibration(texts[rows.dev], rows.labels[rows.dev], network, companion)
    out.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=out.parent, prefix=".train-") as temporary:
        staging = Path(temporary) / "model"
        with quiet_transformers():
            model.cpu().save_pretrained(staging)
            tokenizer.save_pretrained(staging)
        calibration.save(staging)
        (staging / SEEN).write_text(json.dumps(seen_marks(texts[rows.train])) + "\n")
        write_manifest(staging)
        classifier = Classifier.load(staging, device="cpu")
        report = TrainingReport(
            base=Path(plan.base).name,
            mode=plan.way.name,
            train_rows=len(rows.train),
            dev_rows=len(rows.dev),
            dev={
                one.name: score_labelled(classifier, one.part(DEV))
                for one in sets
                if one.part(DEV).height
            },
            quality_by_epoch=history,
            left_out={one.name: one.left_out for one in sets},
            licences={one.name: one.licence for one in sets},
            calibration={kind: asdict(own) for kind, own in calibration.kinds.items()},
            threads=torch.get_num_threads(),
            seconds=time.perf_counter() - started,
        )
        write_manifest(staging, {"training": asdict(report)})
        publish(staging, out)
    return report


def seen_marks(texts: Sequence[str]) -> list[str]:
    """Return marks of what texts share with their copies: a model keeps those of its training."""
    keys = {copy_key(text) for text in texts}
    return sorted(hashlib.sha256(key.encode()).hexdigest()[:16] for key in keys)


def seen_in_training(folder: Path, texts: Sequence[str]) -> int | None:
    """Return how many texts, or copies of them, a model was trained on; None where it is unknown.

    A model that was not trained here does not say what it was trained on.
    """
    path = folder / SEEN
    if not path.is_file():
        return None
    seen = set(json.loads(path.read_text()))
    return sum(seen_marks([text])[0] in seen for text in texts)


def _rows(sets: Sequence[LabelledSet]) -> _Rows:
    """Return the rows of all sets, sorted, so that the order of arrival decides nothing.

    Raises:
        EvaluationError: there is too little to train on, or nothing to look at.
        SchemaError: a set has another shape.
    """
    frames = [
        one.texts.with_columns(set=pl.lit(at), is_weak=pl.lit(one.is_weak))
        for at, one in enumerate(sets)
    ]
    texts = pl.concat(frames).sort("part", "set", "text", descending=[True, False, False])
    labels, is_train = label_codes(texts), (texts["part"] == TRAIN).to_numpy()
    counts = np.bincount(labels[is_train], minlength=len(LABELS))
    if counts.min() < MINIMUM_ROWS_PER_LABEL:
        rarest = LABELS[int(counts.argmin())]
        raise EvaluationError(
            f"{rarest} has {counts.min()} distinct labelled texts, "
            f"training needs {MINIMUM_ROWS_PER_LABEL} of each label",
            hint="add labelled texts",
        )
    if is_train.all():
        raise EvaluationError(
            "no labelled text is in a dev part, so nothing tells how good the model is",
            hint="add texts that people have labelled",
        )
    return _Rows(
        texts=texts["text"].to_list(),
        labels=labels,
        weights=np.where(texts["is_weak"], WEAK_WEIGHT, 1.0),
        dev_set=np.where(is_train, -1, texts["set"]),
    )


def _encoder(plan: TrainingPlan, train_texts: list[str]) -> tuple[Any, Any]:
    if plan.base == TINY:
        return tiny_encoder(train_texts, plan.way)
    return encoder_of(minilm_folder() if plan.base == MINILM else Path(plan.base), plan.way)


def _mean_accuracy(rows: _Rows) -> Any:
    """Return the function from logits of dev to the accuracy, each set counting the same."""
    truth, dev_set = rows.labels[rows.dev], rows.dev_set[rows.dev]

    def quality(logits: np.ndarray) -> float:
        is_right = logits.argmax(axis=1) == truth
        return float(np.mean([is_right[dev_set == at].mean() for at in np.unique(dev_set)]))

    return quality
