"""The fits that a home keeps, and how steady the importances of their features are."""

from __future__ import annotations

from collections.abc import Mapping
from math import isnan

import dagster as dg
import polars as pl

from finpulse_assets.domain.evaluation.importance import TOP, rank_correlation, share_among_top
from finpulse_assets.domain.texts.embeddings import TEXT_EMBEDDINGS
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.models.fit_store import FitStore
from finpulse_assets.gateways.warehouse.reader import Warehouse
from finpulse_assets.orchestration.run.once import code_version
from finpulse_assets.orchestration.training.training_plan import Recipe, read_recipe
from finpulse_assets.settings import Settings

SHOWN = 20  # features whose share among the top is shown


def kept_fits(settings: Settings) -> FitStore:
    """Return the fits of the walk-forward that were made by this code."""
    return FitStore(settings.models / "fits", salt=code_version())


def recipe_of(
    context: dg.AssetExecutionContext, warehouse: Warehouse, settings: Settings, lake: Lake
) -> Recipe:
    """Return the recipe of a run, with the embeddings where a candidate reads them."""
    embedded = lake.read_or_empty(TEXT_EMBEDDINGS).collect() if settings.embeddings else None
    return read_recipe(warehouse, settings, context.run.tags, embeddings=embedded)


def steadiness(importance: pl.DataFrame, candidate_id: str) -> Mapping[str, object]:
    """Return metadata: the rank correlation between folds, and each feature's share of folds.

    Args:
        importance: `schemas.FOLD_IMPORTANCE`.
        candidate_id: of whom; nothing is returned where the table holds another's.
    """
    own = importance.filter(pl.col("candidate_id") == candidate_id)
    if own.is_empty():
        return {}
    rows = [
        f"| {feature} | {share:.1%} | {top:.0%} |"
        for feature, share, top in share_among_top(own).head(SHOWN).iter_rows()
    ]
    head = f"| feature | mean share | among the top {TOP} |\n|---|---|---|\n"
    correlation = rank_correlation(own)
    known = {} if isnan(correlation) else {"importance_rank_correlation": correlation}
    return {**known, "importance_by_fold": dg.MetadataValue.md(head + "\n".join(rows))}
