"""The audit of a profile: its own features and labels, checked for leaks and for quality.

How much is checked, and what is handed to the auditor.

A leak is a property of code, so a sample finds it: a few dozen tickers with all their sessions, cut
at a handful of moments. The whole table would take as long as building it anew for every cut.
"""

from __future__ import annotations

from datetime import datetime

import polars as pl

from finpulse_assets import schemas
from finpulse_assets.domain.audit.leaks import Finding, audit
from finpulse_assets.domain.audit.placebo import Placebo, placebo
from finpulse_assets.domain.audit.tables import choose_moments, spread_sample
from finpulse_assets.domain.evaluation.splits import purged_walk_forward, sessions_of
from finpulse_assets.domain.evaluation.walk_forward import walk_forward_predictions
from finpulse_assets.domain.features.registry import FEATURES
from finpulse_assets.errors import EvaluationError
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.warehouse.reader import Warehouse
from finpulse_assets.orchestration.audit.feature_replay import FeatureReplay, read_inputs
from finpulse_assets.orchestration.dbt.models import DAILY_FEATURES
from finpulse_assets.orchestration.training.training_plan import Recipe

TICKERS, MOMENTS = 24, 6
PLACEBO_ROWS = 20_000


def audit_features(
    lake: Lake,
    replay: FeatureReplay,
    *,
    as_of: datetime,
    tickers: int = TICKERS,
    moments: int = MOMENTS,
) -> list[Finding]:
    """Return the leaks that the cut, warm-up, canary and oracle checks find in the feature mart.

    Args:
        lake: where the raw tables lie.
        replay: the way from them to features.
        as_of: UTC time up to which the features were built.
        tickers: how many are checked.
        moments: decision times at which the input is cut.

    Raises:
        EvaluationError: there are too few sessions with prices to check.
        LakeError: nothing was materialized yet.
    """
    names = lake.scan(schemas.PRICES).select(pl.col("ticker").unique()).collect().to_series()
    sampled = spread_sample(names.to_list(), count=tickers)
    # Only a ticker that has changed can show a feature that knows its later sector.
    sampled += spread_sample(_changed_tickers(lake), count=max(tickers // 4, 1))
    tables = read_inputs(lake, tickers=sampled)
    days = tables[schemas.PRICES.name]["session_date"].unique().sort()
    calendar = tables[schemas.SESSIONS.name].filter(pl.col("session_date").is_in(days.implode()))
    decisions = calendar.filter(pl.col("decision_at") <= as_of)["decision_at"]
    if len(decisions) < moments + 1:
        raise EvaluationError(
            f"an audit needs more than {moments} sessions with prices, there are {len(decisions)}",
            hint="load a longer history",
        )
    return audit(
        lambda given: replay.build(given, DAILY_FEATURES, as_of=as_of),
        tables,
        moments=choose_moments(tables, decisions[:-1], count=moments),
        warm_up={feature.name: feature.warm_up for feature in FEATURES},
        first_session=days[len(days) // 4],
    )


def _changed_tickers(lake: Lake) -> list[str]:
    versions = lake.read_or_empty(schemas.TICKERS).select("ticker").collect()["ticker"]
    return versions.filter(versions.is_duplicated()).unique().to_list()


def audit_labels(recipe: Recipe) -> Placebo:
    """Return how well the recipe predicts shuffled outcomes, by the last of its folds.

    Raises:
        EvaluationError: the training set is too short for a fold.
    """
    frame = recipe.frame.sort("session_date").tail(PLACEBO_ROWS)

    def evaluate(shuffled: pl.DataFrame) -> pl.DataFrame:
        sessions = sessions_of(shuffled)
        folds = purged_walk_forward(
            sessions,
            folds=1,
            min_train_sessions=max(sessions.height // 2, 1),
            embargo_sessions=recipe.settings.embargo_sessions,
        )
        return walk_forward_predictions(shuffled, folds, recipe.challengers[:1])

    return placebo(evaluate, frame)


def read_features(warehouse: Warehouse) -> pl.DataFrame:
    """Return the feature mart with bars_seen, by ticker and session."""
    return warehouse.query(
        f"select features.*, technical.bars_seen from {DAILY_FEATURES} as features "  # noqa: S608
        "inner join stg_technical as technical using (ticker, session_date) "
        "order by ticker, session_date"
    )
