"""The leaderboard: every sentiment model on every labelled set, with intervals."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from finpulse_assets.gateways.compute.engine import ScoringModel
from finpulse_assets.gateways.sentiment.baseline import vader_scores
from finpulse_assets.gateways.sentiment.evaluation import (
    confusion,
    figures,
    label_codes,
    probabilities_of,
)
from finpulse_assets.gateways.sentiment.labelled_texts import DEV, LabelledSet
from finpulse_assets.gateways.sentiment.manifest import LABELS
from finpulse_assets.gateways.sentiment.training import seen_in_training
from finpulse_assets.schemas import SENTIMENT_LEADERBOARD

RESAMPLES = 200
INTERVAL = (2.5, 97.5)  # percentiles
VADER_NEUTRAL = 0.05  # compound score below which VADER's authors call a text neutral
OF_PROBABILITIES = ("log_loss", "calibration_error")


@dataclass(frozen=True)
class Contender:
    """A model on the leaderboard.

    `probabilities` of texts are float64 of shape (n, 3), in the order of LABELS; where the model
    states none they are 0 and 1. `folder` says what the model was trained on.
    """

    name: str
    probabilities: Callable[[list[str]], np.ndarray]
    states_probabilities: bool = True
    folder: Path | None = None


def vader() -> Contender:
    """Return VADER, which was trained on nothing and is never unsure."""
    return Contender("VADER", _by_vader, states_probabilities=False)


def contender_of(name: str, model: ScoringModel, folder: Path) -> Contender:
    """Return a classifier as a contender."""
    return Contender(name, lambda texts: probabilities_of(model, texts), folder=folder)


def leaderboard(
    contenders: Sequence[Contender], sets: Sequence[LabelledSet]
) -> tuple[pl.DataFrame, dict[str, float]]:
    """Return models on the dev parts of labelled sets, and each model's texts a second.

    Sets without a dev part are left out. The intervals are percentiles of resampled texts.

    Returns:
        `schemas.SENTIMENT_LEADERBOARD`, and the rates by model: they are of this machine and this
        moment, so they are not in the table.
    """
    rows, rates = [], {}
    held = [one for one in sets if one.part(DEV).height]
    for contender in contenders:
        started = time.perf_counter()
        found = [contender.probabilities(one.part(DEV)["text"].to_list()) for one in held]
        seconds = time.perf_counter() - started
        rates[contender.name] = sum(map(len, found)) / seconds
        for labelled, probabilities in zip(held, found, strict=True):
            rows += _rows(contender, labelled, probabilities)
    table = pl.DataFrame(rows, schema=SENTIMENT_LEADERBOARD.polars_schema, orient="row")
    return SENTIMENT_LEADERBOARD.enforce(table), rates


def _rows(
    contender: Contender, labelled: LabelledSet, probabilities: np.ndarray
) -> list[tuple[object, ...]]:
    part = labelled.part(DEV)
    texts, truth = part["text"].to_list(), label_codes(part)
    seen = seen_in_training(contender.folder, texts) if contender.folder else 0
    drawn = _drawn(truth, probabilities)
    rows: list[tuple[object, ...]] = []
    for metric, value in figures(truth, probabilities).items():
        if metric in OF_PROBABILITIES and not contender.states_probabilities:
            continue
        lower, upper = np.percentile(drawn[metric], INTERVAL)
        rows.append((metric, value, float(lower), float(upper)))
    counts = confusion(truth, probabilities.argmax(axis=1))
    rows += [
        (f"{label} called {called}", float(counts[at, to]), None, None)
        for at, label in enumerate(LABELS)
        for to, called in enumerate(LABELS)
    ]
    return [(contender.name, labelled.name, *row, len(texts), seen) for row in rows]


def _drawn(truth: np.ndarray, probabilities: np.ndarray) -> dict[str, list[float]]:
    """Return each figure in every resample; the same texts are drawn for every model."""
    random = np.random.default_rng(len(truth))
    drawn: dict[str, list[float]] = {}
    for _ in range(RESAMPLES):
        rows = random.integers(len(truth), size=len(truth))
        for metric, value in figures(truth[rows], probabilities[rows]).items():
            drawn.setdefault(metric, []).append(value)
    return drawn


def _by_vader(texts: list[str]) -> np.ndarray:
    score = vader_scores(texts)
    called = np.where(score >= VADER_NEUTRAL, 0, np.where(score <= -VADER_NEUTRAL, 1, 2))
    return np.eye(len(LABELS))[called]
