"""Checks of the models: what a reader of the signals should know before trusting them.

https://docs.dagster.io/guides/test/asset-checks
"""

import dagster as dg
import polars as pl

from finpulse_assets.domain.evaluation.report import Evaluation


@dg.asset_check(
    asset=["models", "evaluation"],
    description="The candidate beats every baseline out of sample, beyond chance. A warning only: "
    "an unproven model keeps speaking, and its signals say so.",
)
def candidate_beats_every_baseline(evaluation: pl.LazyFrame) -> dg.AssetCheckResult:
    table = evaluation.collect()
    result = Evaluation(table["candidate_id"][0], table)
    return dg.AssetCheckResult(
        passed=result.verdict == "skill",
        severity=dg.AssetCheckSeverity.WARN,
        description=result.reason,
        metadata={"verdict": result.verdict, "best_baseline": result.best_baseline},
    )
