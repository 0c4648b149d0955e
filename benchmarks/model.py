"""The ranking model at size: 500 tickers x 2,520 sessions x all features, and its intervals.

python benchmarks/model.py          # about 10 minutes on 2 cores
"""

from __future__ import annotations

import resource
import sys
import time
from datetime import date

import numpy as np
import polars as pl
from measured import verdict

from finpulse_assets.domain.calendar import build_sessions
from finpulse_assets.domain.evaluation.report import evaluate
from finpulse_assets.domain.evaluation.splits import purged_walk_forward, sessions_of
from finpulse_assets.domain.evaluation.walk_forward import walk_forward_predictions
from finpulse_assets.domain.features.registry import feature_names
from finpulse_assets.domain.models.inputs import feature_matrix
from finpulse_assets.domain.models.places import places
from finpulse_assets.domain.models.ranking import Ranking, RankingPlan
from finpulse_assets.domain.models.registry import baselines_of

TICKERS, SESSIONS, FOLDS = 500, 2_520, 8
LIMIT_SECONDS, LIMIT_GB, LIMIT_RATIO, LIMIT_INTERVALS = 300, 6, 1.15, 10
FEATURES = tuple(feature_names())


def panel() -> pl.DataFrame:
    """Return 1.26 million labelled rows with random features, Float32."""
    random = np.random.default_rng(1)
    sessions = build_sessions(date(2014, 1, 2), date(2024, 6, 28)).tail(SESSIONS + 1)
    rows = TICKERS * SESSIONS
    day = np.repeat(np.arange(SESSIONS), TICKERS)
    columns = {name: random.standard_normal(rows, dtype=np.float32) for name in FEATURES}
    returns = 0.02 * random.standard_normal(rows) + 0.0006 * columns[FEATURES[0]]
    at = sessions.with_columns(exit_at=pl.col("close_at").shift(-1)).head(SESSIONS)
    return pl.DataFrame(
        {
            "ticker": np.tile(np.array([f"T{it:03d}" for it in range(TICKERS)]), SESSIONS),
            **{name: at[name].gather(day) for name in ("session_date", "decision_at", "exit_at")},
            **columns,
            "return_next_session": returns,
            "is_up": returns > 0,
        }
    )


def walk(frame: pl.DataFrame) -> tuple[float, float]:
    """Return wall and CPU seconds of the default candidate's walk-forward."""
    folds = purged_walk_forward(
        sessions_of(frame), folds=FOLDS, min_train_sessions=252, embargo_sessions=1
    )
    started, before = time.perf_counter(), time.process_time()
    candidate = Ranking("ranking", FEATURES, RankingPlan())
    walk_forward_predictions(frame, folds, [candidate], on_fold=lambda fold, _: print(
        f"  fold {fold.index}: {time.perf_counter() - started:.0f} s", flush=True
    ))  # fmt: skip
    return time.perf_counter() - started, time.process_time() - before


def lightgbm_ratio(frame: pl.DataFrame) -> float:
    """Return the boosters' seconds over those of plain LightGBM on the same matrix."""
    import lightgbm

    from finpulse_assets.domain.models.ranking import _boosters
    from finpulse_assets.domain.models.taught import taught_places

    part = places(frame.head(TICKERS * SESSIONS // 4), FEATURES)
    matrix, label, plan = feature_matrix(part, FEATURES), taught_places(part), RankingPlan()
    times = {"ours": [], "plain": []}
    for _ in range(2):
        started = time.process_time()
        _boosters(matrix, label, plan, (7,))
        times["ours"].append(time.process_time() - started)
        started = time.process_time()
        parameters = plan.trees.lightgbm_parameters("l2")
        data = lightgbm.Dataset(matrix, label=label, params=parameters)
        lightgbm.train(parameters, data, num_boost_round=plan.trees.rounds)
        times["plain"].append(time.process_time() - started)
    return min(times["ours"]) / min(times["plain"])


def intervals() -> tuple[float, float]:
    """Return wall and CPU seconds of all metrics with 1,000 resamples on 20,000 predictions."""
    random = np.random.default_rng(2)
    days = build_sessions(date(2022, 1, 3), date(2024, 6, 28))["session_date"].head(400)
    rows = 20_000
    probability = random.random(rows)
    returns = 0.02 * random.standard_normal(rows)
    own = pl.DataFrame(
        {
            "ticker": [f"T{at % 50:02d}" for at in range(rows)],
            "session_date": days.gather(np.arange(rows) // 50),
            "is_up": returns > 0,
            "return_next_session": returns,
            "horizon_sessions": pl.Series([1] * rows, dtype=pl.Int32),
            "fold": pl.Series(np.arange(rows) // 5_000, dtype=pl.Int32),
            "probability_up": probability,
            "score": probability,
            "predicts_up": probability > 0.5,
            "expected_return": 0.01 * (probability - 0.5),
        }
    )
    named = [
        own.with_columns(candidate=pl.lit(name), candidate_id=pl.lit("m1"))
        for name in ("ranking", *baselines_of("ranking"))
    ]
    table = pl.concat(named)
    started, before = time.perf_counter(), time.process_time()
    evaluate(table, "ranking", resamples=1_000)
    return time.perf_counter() - started, time.process_time() - before


if __name__ == "__main__":
    took, cpu = intervals()
    print(f"intervals of all metrics of 8 predictors, 1,000 resamples: {took:.1f} s, "
          f"{cpu:.1f} s of CPU")  # fmt: skip
    if sys.argv[1:] == ["intervals"]:
        sys.exit()
    frame = panel()
    ratio = lightgbm_ratio(frame)
    print(f"boosters / plain LightGBM, CPU: {ratio:.2f}")
    wall, cpu = walk(frame)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{frame.height:,} rows x {len(FEATURES)} features, {FOLDS} folds: {wall:.0f} s, "
          f"{cpu:.0f} s of CPU, {peak:.1f} GB")  # fmt: skip
    verdict(
        {
            f"walk-forward in {LIMIT_SECONDS} s": wall <= LIMIT_SECONDS,
            f"under {LIMIT_GB} GB": peak <= LIMIT_GB,
            f"boosters within {LIMIT_RATIO} of plain LightGBM": ratio <= LIMIT_RATIO,
            f"intervals in {LIMIT_INTERVALS} s": took <= LIMIT_INTERVALS,
        }
    )
