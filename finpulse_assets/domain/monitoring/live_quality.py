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
from finpulse_assets.domain.evaluation.report import COST_BPS, MIN_SESSIONS
from finpulse_assets.domain.evaluation.score_table import GAIN
from finpulse_assets.domain.evaluation.session_sums import session_sums
from finpulse_assets.domain.evaluation.skill import (
    AFTER_COSTS,
    MARKET,
    METRIC,
    RANKING,
    cost_of_a_session,
)
from finpulse_assets.schemas import LIVE_QUALITY

CHAMPION, ALWAYS_UP, BASE_RATE = "champion", "always_up", "base_rate"
NAIVE = (ALWAYS_UP, BASE_RATE)
METRICS = ("accuracy", "mcc", "rank_ic", "market_ic", "long_short_return", "log_loss")
# The skills that matured predictions show; what the texts add to them, nobody predicts live.
SEEN_LIVE = (RANKING, MARKET, AFTER_COSTS)
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
    sums = session_sums(_beside_naive(outcomes, up_rate))
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
    quality: pl.DataFrame,
    history: pl.DataFrame,
    champion: Champion,
    sessions: pl.DataFrame,
    *,
    cost_bps: float = COST_BPS,
) -> LiveRecord:
    """Return what the matured predictions say of the proof of a proven champion.

    Args:
        quality: from `measure_quality`.
        history: schemas.LIVE_QUALITY of earlier days.
        champion: the champion as the last decision left it.
        sessions: schemas.SESSIONS up to the as-of time.
        cost_bps: what a trade costs, in basis points of its size.
    """
    earlier = history.join(quality, on="session_date", how="anti")
    supports = [
        (pl.col("metric") == METRIC[name]) & (pl.col("lower") > _cost(name, cost_bps))
        for name in SEEN_LIVE
        if name in champion.skills
    ]
    supported = None
    if supports:
        own = (
            pl.concat([earlier, quality])
            .filter(predictor=CHAMPION)
            .filter(pl.any_horizontal(supports))
        )
        supported = sessions.join(own, on="session_date", how="semi")["decision_at"].max()
    since = max(at for at in (champion.supported_at, champion.proven_since, supported) if at)
    rows = {row["metric"]: row for row in quality.filter(predictor=CHAMPION).iter_rows(named=True)}
    estimates = {
        name: _estimate(rows[METRIC[name]]).minus(_cost(name, cost_bps))
        for name in SEEN_LIVE
        if rows and rows[METRIC[name]]["value"] is not None
    }
    return LiveRecord(
        sessions=quality["session_count"].max() or 0,
        last_session=quality["session_date"].max(),
        estimates=estimates,
        sessions_since_support=sessions.filter(pl.col("decision_at") > since).height,
    )


def _cost(name: str, cost_bps: float) -> float:
    return cost_of_a_session(cost_bps) if name == AFTER_COSTS else 0.0


def merge_quality(held: pl.DataFrame, quality: pl.DataFrame) -> pl.DataFrame:
    """Return the history with `quality` in place of an earlier one of its session."""
    earlier = held.join(quality, on="session_date", how="anti")
    return LIVE_QUALITY.enforce(pl.concat([earlier, quality]))


def sentence_of(quality: pl.DataFrame) -> str:
    """Return the quality as one sentence for people."""
    if quality.is_empty():
        return "no live prediction has matured yet"
    rows = {row["metric"]: row for row in quality.filter(predictor=CHAMPION).iter_rows(named=True)}
    naive = quality.filter(pl.col("metric") == "accuracy", pl.col("predictor").is_in(NAIVE))
    best, size = naive.sort("value").row(-1, named=True), rows["accuracy"]
    shown = ", ".join(
        f"{words} {_shown(rows[metric])}"
        for metric, words in (("rank_ic", "rank IC"), ("accuracy", "accuracy"))
        if rows[metric]["value"] is not None
    )
    return (
        f"{shown} on {size['row_count']:,} matured predictions of {size['session_count']} sessions "
        f"up to {size['session_date']}, {best['predictor']} {best['value']:.3f}"
    )


def _shown(row: dict[str, Any]) -> str:
    return f"{row['value']:.3f}" if row["lower"] is None else f"{_estimate(row)}"


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
