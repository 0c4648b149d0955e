"""Drift: whether the latest sessions still look like those that a model learnt from.

A rule of thumb such as "PSI above 0.25 is drift" calls a sixth to a third of the features of a
quiet simulated market drifted, for twenty sessions of a slow feature are one observation, not
twenty. So a feature is held to its own past: it has drifted when its recent PSI is clearly larger
than that of every span of equal length in the reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from finpulse_assets.contract import Table
from finpulse_assets.domain.features.registry import FEATURES
from finpulse_assets.errors import EvaluationError
from finpulse_assets.schemas import FEATURE_DRIFT

WHOLE = "all"
PREDICTIONS = ("probability_up", "expected_return")
SHOWN, MOST = 8, 10
FULL = 0.5  # the count put into an empty bin, so that no logarithm is infinite


@dataclass(frozen=True, kw_only=True)
class DriftRule:
    """When a feature, and when the whole, has drifted.

    Attributes:
        recent_sessions: length of the span that is judged, and of the spans it is compared with.
        bins: quantile bins of the reference; unknown values are one bin more.
        least_psi: a PSI below it never is drift, however calm the reference.
        margin: how many times the largest PSI inside the reference the recent one must reach.
        share: share of drifted features at which the whole has drifted.
        spans: a reference shorter than so many spans cannot judge; the feature counts as quiet.
    """

    recent_sessions: int = 20
    bins: int = 10
    least_psi: float = 0.2
    margin: float = 1.25
    share: float = 0.2
    spans: int = 3


@dataclass(frozen=True)
class DriftSummary:
    """A report in short, for people.

    Attributes:
        session_date: the last session.
        is_drifted: whether the whole has drifted.
        share: share of the judged columns that have.
        sentence: the verdict.
        most_moved: feature, kind, value, limit, ks and is_drifted of at most ten columns, those
            furthest towards or beyond their own limit first.
    """

    session_date: date
    is_drifted: bool
    share: float
    sentence: str
    most_moved: pl.DataFrame


def column_kinds() -> dict[str, str]:
    """Return column -> kind of everything that is judged: the model's inputs, and what it says.

    Twenty sessions are no fair sample of a calendar: December is always unlike the year before it.

    >>> "session_date" in column_kinds(), column_kinds()["probability_up"]
    (False, 'prediction')
    """
    judged = [it for it in FEATURES if it.family != "calendar"]
    inputs = {it.name: "text" if it.is_text else "technical" for it in judged}
    return inputs | dict.fromkeys(PREDICTIONS, "prediction")


def judged_rows(
    features: pl.DataFrame, signals: pl.DataFrame, out_of_sample: pl.DataFrame
) -> pl.DataFrame:
    """Return the features with the predictions beside them, null where nothing was predicted.

    Past predictions are those that were published, and before them those of the walk-forward: a
    model's own view of the rows that it was fitted on is surer than any later one, which would pass
    for drift.

    Args:
        features: fct_daily_features.
        signals: `current_signals` of the history.
        out_of_sample: schemas.OUT_OF_SAMPLE of the champion's kind of candidate.
    """
    key = ["ticker", "session_date"]
    earlier = out_of_sample.join(signals, on="session_date", how="anti")
    predicted = pl.concat([it.select(*key, *PREDICTIONS) for it in (signals, earlier)])
    return features.join(predicted, on=key, how="left").sort(key)


def split_recent(
    frame: pl.DataFrame, *, trained_from: date, trained_to: date, rule: DriftRule | None = None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return (recent, reference): the last sessions, and the training window before them.

    A model that is retrained every day has learnt from the recent sessions too; they are left out
    of the reference, or they would be compared with themselves.

    Raises:
        EvaluationError: one of the two has no session.
    """
    length = (rule or DriftRule()).recent_sessions
    sessions, day = frame["session_date"].unique().sort(), pl.col("session_date")
    is_recent = day.is_in(sessions.tail(length).implode())
    recent = frame.filter(is_recent)
    reference = frame.filter(day.is_between(trained_from, trained_to) & ~is_recent)
    if recent.is_empty() or reference.is_empty():
        raise EvaluationError(
            f"drift needs sessions of the training window, {trained_from} to {trained_to}, that "
            f"lie before the last {length}; "
            f"there are {len(sessions)} sessions in all",
            hint="load a longer history",
        )
    return recent, reference


def measure_drift(
    recent: pl.DataFrame,
    reference: pl.DataFrame,
    kinds: Mapping[str, str],
    *,
    model_version: str,
    rule: DriftRule | None = None,
) -> pl.DataFrame:
    """Return the drift of every column in `kinds`, and of the whole, as `FEATURE_DRIFT` rows.

    Args:
        recent: session_date and numeric columns, one row per ticker and session; null or NaN where
            unknown. Columns that are not in `kinds` (keys, times) are never judged.
        reference: the same columns, earlier sessions.
        kinds: column -> technical, text or prediction.
        model_version: whose training window the reference is.
        rule: limits.

    Raises:
        EvaluationError: a frame lacks a column.
    """
    rule = rule or DriftRule()
    missing = [
        name for name in kinds if name not in recent.columns or name not in reference.columns
    ]
    if missing:
        raise EvaluationError(f"drift cannot be measured, the features lack {', '.join(missing)}")
    days = reference["session_date"]
    session = days.rank("dense").to_numpy().astype(np.intp) - 1
    rows = [
        {
            "feature": name,
            "kind": kind,
            **_feature_drift(_values(recent, name), _values(reference, name), session, rule),
        }
        for name, kind in kinds.items()
    ]
    judged = [row for row in rows if row["value"] is not None]
    share = sum(row["is_drifted"] for row in judged) / len(judged) if judged else None
    whole = {
        "feature": WHOLE,
        "kind": WHOLE,
        "value": share,
        "limit": rule.share,
        "ks": None,
        "is_drifted": share is not None and share >= rule.share,
    }
    return FEATURE_DRIFT.enforce(
        pl.DataFrame([*rows, whole], infer_schema_length=None).with_columns(
            session_date=pl.lit(recent["session_date"].max()),
            reference_from=pl.lit(days.min()),
            reference_to=pl.lit(days.max()),
            recent_rows=pl.lit(recent.height),
            reference_rows=pl.lit(reference.height),
            model_version=pl.lit(model_version),
        )
    )


def _feature_drift(
    now: np.ndarray, before: np.ndarray, session: np.ndarray, rule: DriftRule
) -> dict[str, object]:
    """Judge the values of a feature; `session` is the position of each of `before`, from 0."""
    known = session[~np.isnan(before)]
    first = known.min() if len(known) else len(session)
    kept = session >= first  # from the first session that has a value: warm-up is no drift
    before, session = before[kept], session[kept] - first
    spans = (session.max() + 1) // rule.recent_sessions if len(session) else 0
    if spans < rule.spans:
        return {"value": None, "limit": None, "ks": None, "is_drifted": False}
    edges = _edges(before, rule.bins)
    counts = _counts_by_session(before, session, edges)
    psi = float(_psi(_counts(now, edges), counts.sum(axis=0)))
    limit = max(rule.least_psi, rule.margin * _largest_within(counts, rule.recent_sessions))
    return {"value": psi, "limit": limit, "ks": _ks(now, before), "is_drifted": psi > limit}


def _values(frame: pl.DataFrame, name: str) -> np.ndarray:
    """Return a column as floats, NaN where unknown."""
    return frame[name].cast(pl.Float64).to_numpy()


def _edges(values: np.ndarray, bins: int) -> np.ndarray:
    return np.unique(np.nanquantile(values, np.linspace(0, 1, bins + 1)[1:-1]))


def _bin_of(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    return np.where(np.isnan(values), len(edges) + 1, np.searchsorted(edges, values, side="right"))


def _counts(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    return np.bincount(_bin_of(values, edges), minlength=len(edges) + 2)


def _counts_by_session(values: np.ndarray, session: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Return the counts of shape (sessions, bins), sessions ascending."""
    shape = session.max() + 1, len(edges) + 2
    flat = np.bincount(session * shape[1] + _bin_of(values, edges), minlength=shape[0] * shape[1])
    return flat.reshape(shape)


def _largest_within(counts: np.ndarray, span: int) -> float:
    """Return the largest PSI of a span of sessions against the rest of the reference."""
    sums = np.vstack([np.zeros(counts.shape[1]), counts.cumsum(axis=0)])
    spans = sums[span:] - sums[:-span]
    return float(_psi(spans, sums[-1] - spans).max())


def _psi(counts: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Return the population stability index of counts, over the last axis.

    >>> float(_psi(np.array([5, 5]), np.array([50, 50])).round(3))
    0.0
    """
    p, q = ((c + FULL) / (c + FULL).sum(axis=-1, keepdims=True) for c in (counts, expected))
    return ((p - q) * np.log(p / q)).sum(axis=-1)


def _ks(now: np.ndarray, before: np.ndarray) -> float:
    """Return the largest distance of the two distribution functions; 1 when one is empty."""
    now, before = np.sort(now[~np.isnan(now)]), np.sort(before[~np.isnan(before)])
    if not len(now) or not len(before):
        return 1.0
    at = np.concatenate([now, before])
    distance = [np.searchsorted(it, at, side="right") / len(it) for it in (now, before)]
    return float(np.abs(distance[0] - distance[1]).max())


def summary(report: pl.DataFrame) -> DriftSummary:
    """Return the report of one session in short."""
    whole = report.filter(pl.col("feature") == WHOLE).row(0, named=True)
    judged = report.filter((pl.col("feature") != WHOLE) & pl.col("value").is_not_null())
    moved = judged.sort(pl.col("value") / pl.col("limit"), descending=True)
    drifted = moved.filter("is_drifted")["feature"].to_list()
    verdict = "drift" if whole["is_drifted"] else "no drift"
    names = f": {', '.join(drifted[:SHOWN])}" if drifted else ""
    return DriftSummary(
        session_date=whole["session_date"],
        is_drifted=whole["is_drifted"],
        share=whole["value"] or 0.0,
        sentence=f"{verdict} on {whole['session_date']}: {len(drifted)} of {judged.height} "
        f"features have moved{names}"
        if judged.height
        else f"the training window is too short to judge drift on {whole['session_date']}",
        most_moved=moved.select("feature", "kind", "value", "limit", "ks", "is_drifted").head(MOST),
    )


def merge_history(table: Table, held: pl.DataFrame, report: pl.DataFrame) -> pl.DataFrame:
    """Return the history of reports with `report` in place of an earlier one of its session."""
    return table.enforce(pl.concat([held.join(report, on="session_date", how="anti"), report]))


def verdicts(features: pl.DataFrame, texts: pl.DataFrame | None = None) -> pl.DataFrame:
    """Return session_date and is_drifted, one row per session with a report, ascending.

    Args:
        features: schemas.FEATURE_DRIFT; the whole decides.
        texts: schemas.TEXT_DRIFT; a session has drifted when either says so.
    """
    whole = features.filter(pl.col("feature") == WHOLE)
    reports = [it.select("session_date", "is_drifted") for it in (whole, texts) if it is not None]
    every = pl.concat(reports).group_by("session_date").agg(pl.col("is_drifted").any())
    return every.sort("session_date")
