"""Evidently: the columns that moved most, as an HTML page that a person reads.

https://docs.evidentlyai.com/metrics/customize_data_drift

Evidently draws, and judges nothing: value, limit and verdict of a column are those of
`domain.monitoring.drift`, handed to it as a method of its own. Its own bins and limits would come
to another answer.
"""

from __future__ import annotations

import os
import warnings
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
KEPT = 20  # pages of 4 MiB each, of which 3.5 are Evidently's scripts
MOST_COLUMNS = 10  # a tenth of a second each
METHOD = "finpulse_psi"


def write_drift_page(
    folder: Path,
    session: date,
    recent: pl.DataFrame,
    reference: pl.DataFrame,
    most_moved: pl.DataFrame,
    *,
    kept: int = KEPT,
) -> Path:
    """Write `<folder>/<session>.html`, drop all but the newest pages, and return its path.

    Args:
        folder: where the pages lie; made if absent.
        session: the session that the report is about.
        recent: numeric columns, null where unknown; at most 5,000 rows are drawn.
        reference: the same columns.
        most_moved: feature, value (PSI), limit and is_drifted of a column, those that moved most
            first; the first ten are drawn.
        kept: pages to keep, the new one included.

    Raises:
        EvaluationError: Evidently is not installed, or no column can be compared.
        LakeError: the folder cannot be written.
    """
    known = [it for it in most_moved["feature"] if recent[it].count() and reference[it].count()]
    shown = most_moved.filter(pl.col("feature").is_in(known)).head(MOST_COLUMNS)
    if shown.is_empty():
        raise EvaluationError("the drift page has no column with values in both spans")
    path = folder / f"{session}.html"
    columns = shown["feature"].to_list()
    with written_atomically(path) as temporary:
        _render(_sampled(recent, columns), _sampled(reference, columns), shown, temporary)
    for old in sorted(folder.glob("[!.]*.html"))[:-kept]:
        old.unlink(missing_ok=True)
    return path


def _sampled(frame: pl.DataFrame, columns: list[str]) -> pd.DataFrame:
    chosen = frame.select(pl.col(columns).cast(pl.Float64))
    if chosen.height > SAMPLE_ROWS:
        chosen = chosen.sample(SAMPLE_ROWS, seed=SEED)
    return chosen.to_pandas()


def _render(recent: pd.DataFrame, reference: pd.DataFrame, shown: pl.DataFrame, path: Path) -> None:
    os.environ.setdefault("DO_NOT_TRACK", "1")
    try:
        from evidently import Report
        from evidently.legacy.calculations.stattests.registry import StatTest, register_stattest
        from evidently.legacy.core import ColumnType
        from evidently.metrics import ValueDrift
    except ImportError as error:
        raise EvaluationError(
            f"the drift page needs Evidently, which cannot be imported: {error}",
            hint="pip install 'finpulse[monitoring]'",
        ) from error
    decided = {row["feature"]: row for row in shown.iter_rows(named=True)}

    def judge(reference: pd.Series, *_: object) -> tuple[float, bool]:
        """Return the value and the verdict that the platform has come to."""
        return decided[reference.name]["value"], decided[reference.name]["is_drifted"]

    register_stattest(StatTest(METHOD, "PSI", [ColumnType.Numerical]), judge)
    metrics = [
        ValueDrift(column=name, method=METHOD, threshold=row["limit"])
        for name, row in decided.items()
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numpy's, about columns of one value
        Report(metrics).run(recent, reference).save_html(str(path))
