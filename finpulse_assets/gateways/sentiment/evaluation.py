"""How well a classifier reads labelled texts.

Accuracy, F1, log loss, calibration error and confusion on labelled sets.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from finpulse_assets.errors import EvaluationError, SchemaError
from finpulse_assets.gateways.compute.engine import ScoringModel
from finpulse_assets.gateways.sentiment.manifest import LABELS

BINS = 10  # of the surest probability, each with as many texts


def label_codes(labelled: pl.DataFrame) -> np.ndarray:
    """Return the labels as positions in LABELS, int64 of shape (n,).

    Raises:
        SchemaError: a column is missing or a label is not positive, negative or neutral.
    """
    if missing := {"text", "label"} - set(labelled.columns):
        raise SchemaError(f"labelled texts lack the columns {', '.join(sorted(missing))}")
    unknown = set(labelled["label"].unique().to_list()) - set(LABELS)
    if unknown or labelled["text"].null_count():
        found = ", ".join(sorted(map(str, unknown))) or "a text without words"
        raise SchemaError(
            f"labelled texts have {found}, labels are {', '.join(LABELS)}",
            hint="rename or drop those rows",
        )
    return np.array([LABELS.index(label) for label in labelled["label"]], dtype=np.int64)


def score_labelled(classifier: ScoringModel, labelled: pl.DataFrame) -> dict[str, float]:
    """Return how well a classifier reads a labelled set.

    Args:
        classifier: anything with `score`.
        labelled: `text` (normalised) and `label` (positive, negative or neutral).

    Returns:
        row_count and majority_accuracy, the accuracy of always saying the most frequent label, and
        what `figures` gives.

    Raises:
        EvaluationError: there are no rows.
        SchemaError: the frame is of another shape.
    """
    truth = label_codes(labelled)
    if not len(truth):
        raise EvaluationError("the labelled set has 0 rows", hint="give at least one")
    support = np.bincount(truth)
    return {
        "row_count": len(truth),
        **figures(truth, probabilities_of(classifier, labelled["text"].to_list())),
        "majority_accuracy": float(support.max() / support.sum()),
    }


def probabilities_of(classifier: ScoringModel, texts: list[str]) -> np.ndarray:
    """Return a classifier's probabilities, float64 of shape (n, labels), in the order of LABELS."""
    return classifier.score(texts).probabilities


def figures(truth: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
    """Return accuracy, macro_f1 and weighted_f1 (over the labels present), log_loss (nats) and
    calibration_error (mean distance of the surest probability from how often it is right).

    Args:
        truth: positions in LABELS, int64 of shape (n,).
        probabilities: of shape (n, labels).
    """
    predicted = probabilities.argmax(axis=1)
    f1, support = _f1_by_label(confusion(truth, predicted))
    likelihood = probabilities[np.arange(len(truth)), truth].clip(1e-6, 1.0)
    return {
        "accuracy": float((predicted == truth).mean()),
        "macro_f1": float(f1[support > 0].mean()),
        "weighted_f1": float((f1 * support).sum() / support.sum()),
        "log_loss": float(-np.log(likelihood).mean()),
        "calibration_error": calibration_error(probabilities.max(axis=1), predicted == truth),
    }


def confusion(truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Return how often each label (row) was called each (column), int64 of shape (3, 3)."""
    counts = np.zeros((len(LABELS), len(LABELS)), dtype=np.int64)
    np.add.at(counts, (truth, predicted), 1)
    return counts


def calibration_error(surest: np.ndarray, is_right: np.ndarray) -> float:
    """Return the mean distance of what was claimed from what was right, in bins of equal size.

    >>> calibration_error(np.full(100, 0.9), np.arange(100) % 10 > 0)
    0.0
    """
    order = np.argsort(surest, kind="stable")
    bins = np.array_split(order, min(BINS, len(order)))
    gaps = [abs(surest[rows].mean() - is_right[rows].mean()) * len(rows) for rows in bins]
    return round(float(sum(gaps) / len(surest)), 9)


def _f1_by_label(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    support, named = counts.sum(axis=1), counts.sum(axis=0)
    return 2 * counts.diagonal() / np.maximum(support + named, 1), support
