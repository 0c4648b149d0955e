"""Checks of the scores: one model, and probabilities that are probabilities.

asset-checks
https://docs.dagster.io/guides/test/
"""

import dagster as dg
import polars as pl

from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.schemas import TEXT_SENTIMENT

ROUNDING = 1e-5


@dg.asset_check(
    asset=["scored", "text_sentiment"],
    blocking=True,
    description="Every month was scored by the same model: scores of two models cannot be "
    "averaged. A run rescores every month once the model was replaced. Hint when it fails: "
    "materialize scored/text_sentiment again.",
)
def one_model_scored_every_month(lake: dg.ResourceParam[Lake]) -> dg.AssetCheckResult:
    models = (
        lake.scan(TEXT_SENTIMENT)
        .group_by("model_fingerprint")
        .agg(pl.len(), pl.col("first_known_at").min(), until=pl.col("first_known_at").max())
        .collect()
    )
    return dg.AssetCheckResult(
        passed=models.height <= 1,
        description=f"the scores come from {models.height} models. Hint: materialize "
        "scored/text_sentiment again",
        metadata={"models": models.height, "by_model": dg.MetadataValue.md(str(models))},
    )


@dg.asset_check(
    asset=["scored", "text_sentiment"],
    blocking=True,
    description="The three probabilities of a text sum to one.",
)
def probabilities_sum_to_one(lake: dg.ResourceParam[Lake]) -> dg.AssetCheckResult:
    total = pl.sum_horizontal("p_positive", "p_negative", "p_neutral")
    wrong = lake.scan(TEXT_SENTIMENT).filter((total - 1).abs() > ROUNDING).select(pl.len())
    count = wrong.collect().item()
    return dg.AssetCheckResult(
        passed=count == 0,
        description=f"{count} texts have probabilities that do not sum to one",
        metadata={"wrong_rows": count},
    )
