"""How well a classifier reads labelled texts.

Accuracy, F1 and the majority class on labelled sets.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from finpulse_assets.errors import EvaluationError, SchemaError
from finpulse_assets.gateways.sentiment.manifest import LABELS
from finpulse_assets.gateways.sentiment.scoring import ScoringModel


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
        row_count, accuracy, macro_f1 and weighted_f1 over the labels present, log_loss (nats),
        and majority_accuracy, the accuracy of always saying the most frequent label.

    Raises:
        EvaluationError: there are no rows.
        SchemaError: the frame is of another shape.
    """
    truth = label_codes(labelled)
    if not len(truth):
        raise EvaluationError("the labelled set has 0 rows", hint="give at least one")
    scores = classifier.score(labelled["text"].to_list())
    probabilities = np.stack([getattr(scores, f"p_{name}") for name in LABELS], axis=1)
    predicted = probabilities.argmax(axis=1)
    f1, support = _f1_by_label(truth, predicted)
    likelihood = probabilities[np.arange(len(truth)), truth].clip(1e-6, 1.0)
    return {
        "row_count": len(truth),
        "accuracy": float((predicted == truth).mean()),
        "macro_f1": float(f1[support > 0].mean()),
        "weighted_f1": float((f1 * support).sum() / support.sum()),
        "log_loss": float(-np.log(likelihood).mean()),
        "majority_accuracy": float(support.max() / support.sum()),
    }


def _f1_by_label(truth: np.ndarray, predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    confusion = np.zeros((len(LABELS), len(LABELS)))
    np.add.at(confusion, (truth, predicted), 1)
    support, named = confusion.sum(axis=1), confusion.sum(axis=0)
    return 2 * confusion.diagonal() / np.maximum(support + named, 1), support
