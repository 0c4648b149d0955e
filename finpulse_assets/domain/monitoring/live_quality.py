"""Live quality: the champion on its own matured predictions, beside naive guesses."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from finpulse_assets.domain.evaluation import metrics
from finpulse_assets.domain.evaluation.bootstrap import draw_counts, interval
from finpulse_assets.domain.evaluation.estimate import Estimate
from finpulse_assets.domain.evaluation.promotion import Champion
from finpulse_assets.domain.evaluation.proof import LiveRecord, ProofRule
from finpulse_assets.domain.evaluation.report import MIN_SESSIONS
from finpulse_assets.domain.evaluation.score_table import GAIN
from finpulse_assets.schemas import LIVE_QUALITY

CHAMPION, ALWAYS_UP, BASE_RATE = "champion", "always_up", "base_rate"
NAIVE = (ALWAYS_UP, BASE_RATE)
METRICS = ("accuracy", "mcc", "rank_ic", "log_loss")
LEVEL = 0.95


def judged_outcomes(
    outcomes: pl.DataFrame, champion: Champion, rule: ProofRule | None = None
) -> pl.DataFrame:
    """Return the outcomes that count for the champion: those of the last sessions.

    A proof is held to everything that was published under it, by the models before the last
    retraining too; an unproven champion to its own predictions.

    Args:
        outcomes: schemas.OUTCOMES.
        champion: the champion as the last decision left it.
        rule: how many sessions.
    """
    since = champion.proven_since
    is_own = pl.col("model_version") == champion.candidate_id
    mine = outcomes.filter("is_current", pl.col("predicted_at") >= since if since else is_own)
    days = mine["session_date"].unique().sort().tail((rule or ProofRule()).sessions)
    return mine.filter(pl.col("session_date").is_in(days.implode()))


def measure_quality(
    outcomes: pl.DataFrame,
    *,
    up_rate: float,
    model_version: str,
    resamples: int = 1_000,
    seed: int = 7,
) -> pl.DataFrame:
    """Return the scores of the champion and of two naive guesses, as schemas.LIVE_QUALITY.

    Fewer than 20 sessions give values without intervals: blocks of so few say nothing.

    Args:
        outcomes: from `judged_outcomes`; no rows give no scores.
        up_rate: share of up moves among the champion's training rows, the base rate.
        model_version: candidate id of the champion.
        resamples: bootstrap resamples of blocks of sessions.
        seed: of the resampling.
    """
    if outcomes.is_empty():
        return LIVE_QUALITY.empty()
    sums = metrics.session_sums(_beside_naive(outcomes, up_rate))
    sessions = outcomes["session_date"].n_unique()
    counts = draw_counts(sessions, resamples=resamples, seed=seed)
    scores = {name: _scores(sums.filter(candidate=name), counts) for name in (CHAMPION, *NAIVE)}
    own_value, own_draws = scores[CHAMPION]["accuracy"]
    for name in NAIVE:
        value, draws = scores[name]["accuracy"]
        scores[name][GAIN] = (own_value - value, own_draws - draws)
    table = []
    for name, by_metric in scores.items():
        for metric, (value, draws) in by_metric.items():
            is_enough = sessions >= MIN_SESSIONS
            lower, upper = interval(draws, level=LEVEL) if is_enough else (None, None)
            row = {"predictor": name, "metric": metric, "value": value}
            table.append(row | {"lower": lower, "upper": upper})
    return LIVE_QUALITY.enforce(
        pl.DataFrame(table, infer_schema_length=None).with_columns(
            pl.col("value").fill_nan(None),
            session_date=pl.lit(outcomes["session_date"].max()),
            first_session=pl.lit(outcomes["session_date"].min()),
            model_version=pl.lit(model_version),
            row_count=pl.lit(outcomes.height),
            session_count=pl.lit(sessions),
        )
    )


def record_of(
    quality: pl.DataFrame, history: pl.DataFrame, champion: Champion, sessions: pl.DataFrame
) -> LiveRecord:
    """Return what the matured predictions say of the proof of a proven champion.

    Args:
        quality: from `measure_quality`.
        history: schemas.LIVE_QUALITY of earlier days.
        champion: the champion as the last decision left it.
        sessions: schemas.SESSIONS up to the as-of time.
    """
    earlier = history.join(quality, on="session_date", how="anti")
    surely_better = pl.concat([earlier, quality]).filter(
        pl.col("metric") == GAIN, pl.col("lower") > 0
    )
    over_all = surely_better.group_by("session_date").len().filter(pl.col("len") == len(NAIVE))
    supported = sessions.join(over_all, on="session_date", how="semi")["decision_at"].max()
    since = max(at for at in (champion.supported_at, champion.proven_since, supported) if at)
    gains = quality.filter(metric=GAIN)
    best = max(gains.iter_rows(named=True), key=lambda row: -row["value"], default=None)
    return LiveRecord(
        sessions=best["session_count"] if best else 0,
        last_session=best["session_date"] if best else None,
        gain=_estimate(best) if best else None,
        best_naive=best["predictor"] if best else "",
        sessions_since_support=sessions.filter(pl.col("decision_at") > since).height,
    )


def merge_quality(held: pl.DataFrame, quality: pl.DataFrame) -> pl.DataFrame:
    """Return the history with `quality` in place of an earlier one of its session."""
    earlier = held.join(quality, on="session_date", how="anti")
    return LIVE_QUALITY.enforce(pl.concat([earlier, quality]))


def sentence_of(quality: pl.DataFrame) -> str:
    """Return the quality as one sentence for people."""
    if quality.is_empty():
        return "no live prediction has matured yet"
    row = quality.row(
        by_predicate=(pl.col("predictor") == CHAMPION) & (pl.col("metric") == "accuracy"),
        named=True,
    )
    naive = quality.filter(pl.col("metric") == "accuracy", pl.col("predictor").is_in(NAIVE))
    best = naive.sort("value").row(-1, named=True)
    accuracy = _estimate(row)
    shown = f"{accuracy.value:.3f}" if row["lower"] is None else f"{accuracy}"
    return (
        f"accuracy {shown} on {row['row_count']:,} matured predictions of "
        f"{row['session_count']} sessions up to {row['session_date']}, {best['predictor']} "
        f"{best['value']:.3f}"
    )


def _estimate(row: dict[str, Any]) -> Estimate:
    """Return the score of a row; bounds that are unknown are NaN, which contradicts nothing."""
    bounds = (row[name] if row[name] is not None else float("nan") for name in ("lower", "upper"))
    return Estimate(row["value"], *bounds)


def _beside_naive(outcomes: pl.DataFrame, up_rate: float) -> pl.DataFrame:
    probability, none = pl.col("probability_up"), pl.lit(None, pl.Float64)
    base = pl.lit(up_rate, pl.Float64)
    says = {
        CHAMPION: (probability, probability, pl.col("predicts_up"), pl.col("expected_return")),
        ALWAYS_UP: (none, pl.lit(1.0), pl.lit(True), none),
        BASE_RATE: (base, base, base >= 0.5, none),
    }
    return pl.concat(
        outcomes.select(
            "ticker", "session_date", "is_up", "return_next_session",
            candidate=pl.lit(name), fold=pl.lit(0), probability_up=stated, score=score,
            predicts_up=direction, expected_return=expected,
        )
        for name, (stated, score, direction, expected) in says.items()
    )  # fmt: skip


def _scores(sums: pl.DataFrame, counts: np.ndarray) -> dict[str, tuple[float, np.ndarray]]:
    """Return metric -> its value and its value in every resample."""
    names = metrics.sum_names(sums)
    whole = sums.select(names).to_numpy().sum(axis=0)
    totals = {name: np.array(whole[at]) for at, name in enumerate(names)}
    draws = metrics.drawn(sums, counts)
    return {name: (float(metrics.METRICS[name](totals)), draws[name]) for name in METRICS}
