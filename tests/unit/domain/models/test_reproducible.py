"""Equal rows, equal bytes, in one process and in many, whatever threads the libraries take.

The rows are as many as the default is made for: from 25,000 on each tree sees half of them, and of
30 tickers and more the own move is taught.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from finpulse_assets.domain.models.linear import MarketHead
from finpulse_assets.domain.models.logistic import Logistic
from finpulse_assets.domain.models.places import places
from finpulse_assets.domain.models.ranking import TREES, Ranking, RankingPlan
from finpulse_assets.domain.models.sentiment_head import FEATURES as OF_TEXTS
from finpulse_assets.domain.models.sentiment_head import NEXT, fit_head
from finpulse_assets.domain.models.taught import EXPOSURES, own_moves
from finpulse_assets.domain.seal import seal_of
from tests.unit.domain.evaluation.panels import training_frame

FEATURES = (*EXPOSURES, *(f"drawn_{at}" for at in range(116)))
PLAN = RankingPlan(replace(TREES, rounds=20))  # the default but for its 150 rounds
PROCESS = """
import json, sys
from tests.unit.domain.models.test_reproducible import fingerprints
print(json.dumps(fingerprints(threads=int(sys.argv[1]))))
"""


def frame() -> pl.DataFrame:
    """Return 25,600 labelled rows of 40 tickers."""
    rows = training_frame(sessions=640, tickers=40, market_effect=0.1)
    random = np.random.default_rng(2)
    names = dict.fromkeys((*FEATURES, *OF_TEXTS, NEXT))
    return rows.with_columns(
        pl.Series(name, random.standard_normal(rows.height, np.float32)) for name in names
    )


def fingerprints(threads: int) -> dict[str, str]:
    """Return the sha256 of the files of each fit by its name."""
    rows = frame()
    drawn = (*FEATURES, "market_sentiment_mean")
    made = {
        "ranking": Ranking("ranking", FEATURES, PLAN.with_threads(threads)).fit(
            places(rows, FEATURES)
        ),
        "logistic": Logistic("logistic", FEATURES).fit(rows),
        "market": MarketHead("market", drawn).fit(rows),
    }
    files = {name: it.files() for name, it in made.items()}
    files["sentiment"] = {"head.json": json.dumps(fit_head(rows).to_dict())}
    return {name: seal_of(it)["fingerprint"] for name, it in files.items()}


def test_the_rows_are_those_of_the_default_at_size():
    rows = frame()
    assert PLAN.trees_for(rows.height, seed=7).bagging_freq == 1
    assert (own_moves(rows) != rows["return_next_session"].to_numpy()).all()


def test_equal_rows_give_equal_bytes_in_one_process_and_in_many():
    """Defect: BLAS on two threads gave the ridge other last digits, and the model another id."""
    of_libraries = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS")
    other = subprocess.run(
        [sys.executable, "-c", PROCESS, "2"], capture_output=True, text=True, check=True,
        cwd=Path(__file__).parents[4], env={**os.environ, **dict.fromkeys(of_libraries, "2")},
    )  # fmt: skip
    assert json.loads(other.stdout) == fingerprints(threads=1)
