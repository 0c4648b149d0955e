"""Checks of the model and of the scores: its arithmetic, no dev text in training, probabilities.

asset-checks
https://docs.dagster.io/guides/test/
"""

from dataclasses import asdict

import dagster as dg
import polars as pl

from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.sentiment.labelled_texts import DEV
from finpulse_assets.gateways.sentiment.parity import MAX_FLIPPED_SHARE, MAX_PROBABILITY_CHANGE
from finpulse_assets.gateways.sentiment.training import seen_in_training
from finpulse_assets.orchestration.training.labelled_sets import labelled_sets
from finpulse_assets.orchestration.training.sentiment_model import (
    current_sentiment_model,
    parity_report,
)
from finpulse_assets.schemas import TEXT_SENTIMENT
from finpulse_assets.settings import Settings

ROUNDING = 1e-5


@dg.asset_check(
    asset=["models", "sentiment_model"],
    blocking=True,
    description="A reduced dtype (FINPULSE_SCORING_DTYPE) gives the labels and probabilities of "
    f"float32 on a fixed sample: at most {MAX_FLIPPED_SHARE:.0%} of the labels flip and no "
    f"probability changes by more than {MAX_PROBABILITY_CHANGE}. Measured once for a model, dtype "
    "and device. Hint when it fails: set FINPULSE_SCORING_DTYPE to float32.",
)
def reduced_dtype_agrees_with_float32(
    settings: dg.ResourceParam[Settings],
) -> dg.AssetCheckResult:
    model = current_sentiment_model(settings)
    report = parity_report(model, settings)
    if report is None:
        return dg.AssetCheckResult(
            passed=True,
            description=f"{model.arithmetic} is full precision",
            metadata={"device": model.arithmetic.device, "dtype": model.arithmetic.dtype},
        )
    figures = {**asdict(report), "flipped_share": report.flipped_share}
    figures = {
        name: round(value, 4) if isinstance(value, float) else value
        for name, value in figures.items()
    }
    return dg.AssetCheckResult(passed=report.is_admitted, description=str(report), metadata=figures)


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


@dg.asset_check(
    asset=["models", "sentiment_model"],
    description="No text of a dev part, nor a copy of it, was trained on. A model that was not "
    "trained here does not say what it has seen, and passes. Hint when it fails: train the model "
    "on the labelled sets that are here now.",
)
def trained_on_no_dev_text(settings: dg.ResourceParam[Settings]) -> dg.AssetCheckResult:
    folder = current_sentiment_model(settings).folder
    seen = {
        one.name: seen_in_training(folder, one.part(DEV)["text"].to_list())
        for one in labelled_sets(settings)
    }
    found = {name: count for name, count in seen.items() if count}
    is_known = None not in seen.values()
    return dg.AssetCheckResult(
        passed=not found,
        severity=dg.AssetCheckSeverity.WARN,
        description=", ".join(f"{count} texts of {name}" for name, count in found.items())
        or ("none was" if is_known else "the model does not say what it was trained on"),
        metadata={"seen": dg.MetadataValue.json(seen)},
    )
