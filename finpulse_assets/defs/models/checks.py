"""Checks of the models: what a reader of the signals should know before trusting them.

https://docs.dagster.io/guides/test/asset-checks
"""

import dagster as dg
import polars as pl

from finpulse_assets.domain.evaluation.report import evaluations


@dg.asset_check(
    asset=["models", "evaluation"],
    description="The candidate beats every baseline out of sample, beyond chance. A warning only: "
    "an unproven champion goes on predicting, and its signals say so.",
)
def candidate_beats_every_baseline(evaluation: pl.LazyFrame) -> dg.AssetCheckResult:
    result = evaluations(evaluation.collect())[0]
    return dg.AssetCheckResult(
        passed=result.verdict == "skill",
        severity=dg.AssetCheckSeverity.WARN,
        description=result.reason,
        metadata={"verdict": result.verdict, "best_baseline": result.best_baseline},
    )
