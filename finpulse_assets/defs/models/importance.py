"""The importance of each feature in the fit of each fold.

https://docs.dagster.io/guides/build/assets
"""

import dagster as dg
import polars as pl

from finpulse_assets.domain.evaluation.importance import importance_by_fold
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.warehouse.reader import Warehouse
from finpulse_assets.orchestration.automation.schedule import in_the_same_run
from finpulse_assets.orchestration.catalog.metadata import (
    RESEARCH,
    definition_metadata,
    description,
)
from finpulse_assets.orchestration.dbt.models import TRAINING_SET
from finpulse_assets.orchestration.run.once import ONCE
from finpulse_assets.orchestration.training.importance import kept_fits, recipe_of, steadiness
from finpulse_assets.schemas import FOLD_IMPORTANCE
from finpulse_assets.settings import Settings


@dg.asset(
    key_prefix="models",
    ins={"predictions": dg.AssetIn(["models", "out_of_sample_predictions"])},
    deps=[TRAINING_SET, ["features", "text_embeddings"]],
    pool="duckdb",
    group_name="models",
    kinds={"lightgbm", "parquet"},
    op_tags=ONCE,
    owners=[RESEARCH],
    tags={"domain": "ml"},
    description=description(
        FOLD_IMPORTANCE,
        "How much each feature counts in the fit of each fold: what changes from fold to fold is "
        "noise. The fits are those of the walk-forward, which the home keeps.",
    ),
    metadata=definition_metadata(FOLD_IMPORTANCE),
    automation_condition=in_the_same_run(),
)
def fold_importance(
    context: dg.AssetExecutionContext,
    predictions: pl.LazyFrame,
    warehouse: dg.ResourceParam[Warehouse],
    lake: dg.ResourceParam[Lake],
    settings: dg.ResourceParam[Settings],
) -> dg.MaterializeResult:
    recipe = recipe_of(context, warehouse, settings, lake)
    ids = dict(predictions.select("candidate", "candidate_id").unique().collect().iter_rows())
    fits = kept_fits(settings)
    table = importance_by_fold(recipe.frame, recipe.folds, recipe.challengers, ids, kept=fits)
    first = table["candidate_id"][0] if table.height else ""
    return dg.MaterializeResult(
        value=table,
        metadata={"fits_kept": fits.found, "fits_made": fits.made, **steadiness(table, first)},
    )
