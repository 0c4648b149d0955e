"""Evidently: the drift report as an HTML page that a person reads.

https://docs.evidentlyai.com/metrics/preset_data_drift
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from finpulse_assets.errors import EvaluationError
from finpulse_assets.gateways.atomic import written_atomically

if TYPE_CHECKING:
    import pandas as pd

SAMPLE_ROWS = 5_000
SEED = 0
KEPT = 20  # pages of 7 MiB each
METHOD = "psi"


def write_drift_page(
    folder: Path,
    session: date,
    recent: pl.DataFrame,
    reference: pl.DataFrame,
    limits: Mapping[str, float],
    *,
    share: float,
    kept: int = KEPT,
) -> Path:
    """Write `<folder>/<session>.html`, drop all but the newest pages, and return its path.

    Args:
        folder: where the pages lie; made if absent.
        session: the session that the report is about.
        recent: numeric columns, null where unknown; at most 5,000 rows are drawn.
        reference: the same columns.
        limits: column -> PSI above which it has drifted; only these columns are shown.
        share: share of drifted columns at which the whole has drifted.
        kept: pages to keep, the new one included.

    Raises:
        EvaluationError: Evidently is not installed, or no column can be compared.
        LakeError: the folder cannot be written.
    """
    shown = [name for name in limits if recent[name].count() and reference[name].count()]
    if not shown:
        raise EvaluationError("the drift page has no column with values in both spans")
    path = folder / f"{session}.html"
    with written_atomically(path) as temporary:
        _render(
            _sampled(recent, shown),
            _sampled(reference, shown),
            {name: limits[name] for name in shown},
            share,
            temporary,
        )
    for old in sorted(folder.glob("[!.]*.html"))[:-kept]:
        old.unlink(missing_ok=True)
    return path


def _sampled(frame: pl.DataFrame, columns: list[str]) -> pd.DataFrame:
    chosen = frame.select(pl.col(columns).cast(pl.Float64))
    if chosen.height > SAMPLE_ROWS:
        chosen = chosen.sample(SAMPLE_ROWS, seed=SEED)
    return chosen.to_pandas()


def _render(
    recent: pd.DataFrame,
    reference: pd.DataFrame,
    limits: Mapping[str, float],
    share: float,
    path: Path,
) -> None:
    os.environ.setdefault("DO_NOT_TRACK", "1")
    try:
        from evidently import Report
        from evidently.presets import DataDriftPreset
    except ImportError as error:
        raise EvaluationError(
            f"the drift page needs Evidently, which cannot be imported: {error}",
            hint="pip install 'finpulse[monitoring]'",
        ) from error
    preset = DataDriftPreset(
        columns=list(limits),
        drift_share=share,
        num_method=METHOD,
        per_column_threshold=dict(limits),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numpy's, about columns of one value
        Report([preset]).run(recent, reference).save_html(str(path))
