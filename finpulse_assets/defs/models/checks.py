"""Checks of the models: what a reader of the signals should know before trusting them.

https://docs.dagster.io/guides/test/asset-checks
"""

import dagster as dg
import polars as pl

from finpulse_assets.domain.evaluation.report import evaluations


@dg.asset_check(
    asset=["models", "evaluation"],
    description="Some skill of the candidate is proven out of sample, beyond chance: ranking, "
    "market, text or after costs, each by its own interval. A warning only: an unproven champion "
    "goes on predicting, and its signals say so.",
)
def some_skill_is_proven(evaluation: pl.LazyFrame) -> dg.AssetCheckResult:
    result = evaluations(evaluation.collect())[0]
    return dg.AssetCheckResult(
        passed=result.has_skill,
        severity=dg.AssetCheckSeverity.WARN,
        description=result.reason,
        metadata={"verdict": result.verdict},
    )
