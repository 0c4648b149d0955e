"""Quantiles of the next return, two ways, on the walk-forward of a home: which holds what it says?

- *LightGBM*: its quantile objective on the features' values, a model a level, sorted so that the
  quantiles do not cross; fitted on the sessions before each fold.
- *conformal*: the ranking's expected return plus quantiles of its errors in the folds before.

    python benchmarks/quantiles.py --home .finpulse/demo

Shown for each level: the share of outcomes below (at 10 % it should be 10 %) with its 95 % interval
by blocks of days, and the mean pinball loss in basis points. Exits with 1 where an interval of the
conformal quantiles, which signals hold, misses its level.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import lightgbm
import numpy as np
import polars as pl

from finpulse_assets.domain.evaluation.bootstrap import draw_counts
from finpulse_assets.domain.features.registry import feature_names
from finpulse_assets.domain.models.band import QUANTILES, error_quantiles
from finpulse_assets.domain.models.inputs import feature_matrix
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.warehouse.reader import Warehouse
from finpulse_assets.schemas import OUT_OF_SAMPLE

PLAN = {
    "objective": "quantile", "num_leaves": 4, "learning_rate": 0.03, "min_data_in_leaf": 100,
    "feature_fraction": 0.3, "lambda_l2": 20.0, "max_bin": 63, "seed": 7, "deterministic": True,
    "force_col_wise": True, "num_threads": 2, "verbosity": -1,
}  # fmt: skip
ROUNDS = 100
EARLY = 1  # folds that only give errors


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--home", type=Path, required=True)
    home = arguments.parse_args().home
    rows = Lake(home / "lake").scan(OUT_OF_SAMPLE).filter(candidate="ranking").collect()
    frame = Warehouse(home / "finpulse.duckdb").query(
        "select * from fct_training_set order by ticker, session_date"
    )
    said: dict[str, list[pl.DataFrame]] = {"LightGBM": [], "conformal": []}
    for fold in rows["fold"].unique().sort()[EARLY:]:
        test = rows.filter(fold=fold).sort("ticker", "session_date")
        first = test["session_date"].min()
        before = rows.filter(pl.col("fold") < fold)
        train = frame.filter(pl.col("exit_at").dt.date() < first)
        features = frame.join(test.select("ticker", "session_date"), on=["ticker", "session_date"])
        shown = test.select("session_date", "return_next_session")
        offsets = error_quantiles(before["return_next_session"] - before["expected_return"])
        expected = test["expected_return"].to_numpy()
        said["conformal"].append(_quantiles(shown, [expected + it for it in offsets]))
        said["LightGBM"].append(_quantiles(shown, _boosted(train, features)))
    held = True
    for name, parts in said.items():
        print(name)
        for level, (lower, upper), line in _judged(pl.concat(parts)):
            print(f"  {line}")
            held &= name != "conformal" or lower <= level <= upper
    sys.exit(not held)


def _boosted(train: pl.DataFrame, test: pl.DataFrame) -> list[np.ndarray]:
    inputs = feature_names()
    matrix, label = feature_matrix(train, inputs), train["return_next_session"].to_numpy()
    seen = feature_matrix(test.sort("ticker", "session_date"), inputs)
    found = []
    for level in QUANTILES:
        parameters = PLAN | {"alpha": level}
        data = lightgbm.Dataset(matrix, label=label, params=parameters)
        found.append(lightgbm.train(parameters, data, ROUNDS).predict(seen))
    return list(np.sort(np.array(found), axis=0))


def _quantiles(shown: pl.DataFrame, values: list[np.ndarray]) -> pl.DataFrame:
    return shown.with_columns(
        pl.Series(f"q{level:.0%}", it) for level, it in zip(QUANTILES, values, strict=True)
    )


def _judged(rows: pl.DataFrame) -> Iterator[tuple[float, tuple[float, float], str]]:
    for level in QUANTILES:
        over = pl.col("return_next_session") - pl.col(f"q{level:.0%}")
        scored = rows.select("session_date", below=over < 0, loss=_pinball(over, level))
        by_day = scored.group_by("session_date").agg(pl.col("below").sum(), n=pl.len())
        days = by_day.sort("session_date")
        counts = draw_counts(days.height, resamples=1_000, seed=7).astype(np.float64)
        draws = (counts @ days["below"].to_numpy()) / (counts @ days["n"].to_numpy())
        lower, upper = np.quantile(draws, [0.025, 0.975])
        line = (
            f"{level:.0%}: {scored['below'].mean():.1%} below [{lower:.1%}, {upper:.1%}], "
            f"pinball {scored['loss'].mean() * 1e4:.2f} bps"
        )
        yield level, (lower, upper), line


def _pinball(over: pl.Expr, level: float) -> pl.Expr:
    return pl.when(over >= 0).then(level * over).otherwise((level - 1) * over)


if __name__ == "__main__":
    main()
