"""The picture of text drift."""

from __future__ import annotations

import numpy as np

from finpulse_assets.domain.monitoring.text_drift import TextDrift
from finpulse_assets.domain.plots.style import BLUE, INK, ORANGE, as_png, canvas


def text_drift_plot(drift: TextDrift) -> bytes:
    """Return a PNG: the AUC of the recent sessions beside that of each span of the reference."""
    found = drift.row.row(0, named=True)
    labels = [f"to {day}" for day in drift.spans["session_date"]] + ["recent sessions"]
    values = [*drift.spans["auc"], found["auc"] if found["auc"] is not None else np.nan]
    figure, axes = canvas(drift.sentence.split(":")[0], height=1.4 + 0.24 * len(labels))
    at = np.arange(len(labels))
    last = ORANGE if found["is_drifted"] else INK
    axes.barh(at, values, color=[*[BLUE] * len(drift.spans), last], height=0.7)
    if found["auc_limit"] is not None:
        axes.axvline(found["auc_limit"], color=INK, linewidth=1, linestyle=(0, (4, 3)))
    axes.set_yticks(at, labels)
    axes.set_xlim(0.4, 1)
    axes.set_xlabel("AUC of telling these sessions' texts from the others; dashed: the limit")
    return as_png(figure)
