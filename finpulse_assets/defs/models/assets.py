"""Model assets: out-of-sample predictions, the price model, its evaluation, its promotion.

https://docs.dagster.io/guides/build/assets
"""

import dagster as dg
import polars as pl
from dagster_dbt import get_asset_key_for_model

from finpulse_assets.defs.warehouse.assets import warehouse as warehouse_assets
from finpulse_assets.domain.evaluation.baselines import forecasts
from finpulse_assets.domain.evaluation.promotion import decide
from finpulse_assets.domain.evaluation.report import Evaluation, evaluate, text_gain
from finpulse_assets.domain.evaluation.walk_forward import walk_forward_predictions
from finpulse_assets.domain.models.training import fit_price_model
from finpulse_assets.domain.plots import evaluation as plots
from finpulse_assets.gateways.models.model_store import ModelStore
from finpulse_assets.gateways.warehouse.reader import Warehouse
from finpulse_assets.orchestration.automation.freshness import MODEL_FRESHNESS
from finpulse_assets.orchestration.automation.schedule import in_the_same_run, retrain_when_stale
from finpulse_assets.orchestration.catalog.metadata import (
    RESEARCH,
    definition_metadata,
    description,
    png,
)
from finpulse_assets.orchestration.run.tracking import Tracking
from finpulse_assets.orchestration.training.sentiment_model import current_sentiment_model
from finpulse_assets.orchestration.training.training_plan import TRAINING_SET, read_recipe
from finpulse_assets.schemas import EVALUATION, OUT_OF_SAMPLE
from finpulse_assets.settings import Settings

METRICS = ("accuracy", "mcc", "auc", "log_loss", "brier", "rank_ic", "long_short_return")
MODEL_KEY = dg.AssetKey(["models", "price_model"])
TRAINING_SET_KEY = get_asset_key_for_model([warehouse_assets], TRAINING_SET)


@dg.asset(
    key_prefix="models",
    deps=[TRAINING_SET_KEY],
    pool="duckdb",
    group_name="models",
    kinds={"lightgbm", "parquet"},
    owners=[RESEARCH],
    tags={"domain": "ml"},
    description=description(
        OUT_OF_SAMPLE,
        "What the training recipe says about sessions it never saw, by purged walk-forward.",
    ),
    metadata=definition_metadata(OUT_OF_SAMPLE),
    automation_condition=retrain_when_stale(MODEL_KEY, own=False),
)
def out_of_sample_predictions(
    context: dg.AssetExecutionContext,
    warehouse: dg.ResourceParam[Warehouse],
    settings: dg.ResourceParam[Settings],
) -> pl.DataFrame:
    recipe = read_recipe(warehouse, settings)
    return walk_forward_predictions(
        recipe.frame,
        recipe.plan,
        recipe.folds,
        features_with_text=recipe.features,
        features_without_text=recipe.features_without_text,
        on_fold=lambda fold, rows: context.log.info(f"fold {fold.index}: {rows.height:,} rows"),
    )


@dg.asset(
    key_prefix="models",
    ins={"predictions": dg.AssetIn(["models", "out_of_sample_predictions"])},
    deps=[TRAINING_SET_KEY],
    pool="duckdb",
    group_name="models",
    kinds={"lightgbm", "mlflow"},
    owners=[RESEARCH],
    tags={"domain": "ml"},
    description="The candidate: LightGBM's probability of an up move and expected return, fitted "
    "on every labelled row, calibrated on out-of-sample predictions. One model per recipe, alias "
    "challenger in MLflow; known after the last label's session has closed.",
    freshness_policy=MODEL_FRESHNESS,
    automation_condition=retrain_when_stale(MODEL_KEY, own=True),
)
def price_model(
    predictions: pl.LazyFrame,
    warehouse: dg.ResourceParam[Warehouse],
    models: dg.ResourceParam[ModelStore],
    tracking: dg.ResourceParam[Tracking],
    settings: dg.ResourceParam[Settings],
) -> dg.MaterializeResult:
    recipe = read_recipe(warehouse, settings)
    model = fit_price_model(recipe.frame, recipe.plan, recipe.features)
    model = model.calibrated(predictions.collect()).made_on(
        current_sentiment_model(settings).fingerprint
    )
    candidate_id = models.save_challenger(model)
    importance = model.importance()
    version = tracking.store().log_candidate(
        models.folder(candidate_id),
        candidate_id=candidate_id,
        booster_text=model.probability_text,
        params={**model.plan, "feature_count": len(model.features), "rows": model.row_count},
        importance=dict(importance.select("feature", "gain_share").iter_rows()),
    )
    return dg.MaterializeResult(
        metadata={
            "candidate_id": candidate_id,
            "mlflow_version": version,
            "trained_from": str(model.trained_from),
            "trained_to": str(model.trained_to),
            "dagster/row_count": model.row_count,
            "feature_count": len(model.features),
            "text_gain_share": float(importance.filter("is_text")["gain_share"].sum()),
            "folder": dg.MetadataValue.path(str(models.folder(candidate_id))),
            "plot_importance": png(plots.importance_plot(importance)),
        }
    )


@dg.asset(
    key_prefix="models",
    ins={"predictions": dg.AssetIn(["models", "out_of_sample_predictions"])},
    deps=[price_model, TRAINING_SET_KEY],
    pool="duckdb",
    group_name="models",
    kinds={"polars", "mlflow", "parquet"},
    owners=[RESEARCH],
    tags={"domain": "ml"},
    description=description(
        EVALUATION, "The candidate beside naive baselines, with day-block bootstrap intervals."
    ),
    metadata=definition_metadata(EVALUATION),
    automation_condition=in_the_same_run(),
)
def evaluation(
    predictions: pl.LazyFrame,
    warehouse: dg.ResourceParam[Warehouse],
    models: dg.ResourceParam[ModelStore],
    tracking: dg.ResourceParam[Tracking],
    settings: dg.ResourceParam[Settings],
):
    recipe = read_recipe(warehouse, settings)
    rows = predictions.collect()
    spoken = forecasts(rows, recipe.frame, recipe.folds)
    result = evaluate(
        spoken,
        candidate_id=models.challenger(),
        resamples=settings.resamples,
    )
    figures = {
        "accuracy.png": plots.accuracy_plot(result),
        "folds.png": plots.fold_accuracy_plot(result),
        "calibration.png": plots.calibration_plot(rows),
        "rank_ic.png": plots.rank_ic_plot(spoken),
    }
    scores = {metric: result.estimate(metric).value for metric in METRICS}
    tracking.store().log_evaluation(
        scores, figures, {"verdict": result.verdict, "reason": result.reason}
    )
    return dg.MaterializeResult(
        value=result.table,
        metadata={
            "verdict": result.verdict,
            "reason": result.reason,
            **scores,
            "text_gain": text_gain(result).value,
            **{f"plot_{name.removesuffix('.png')}": png(image) for name, image in figures.items()},
        },
    )


@dg.asset(
    key_prefix="models",
    ins={"evaluation": dg.AssetIn(["models", "evaluation"])},
    group_name="models",
    kinds={"json", "mlflow"},
    owners=[RESEARCH],
    tags={"domain": "ml"},
    description="The decision which model speaks, with its reasons; moves the alias champion. A "
    "candidate is proven only where its interval lies above every baseline. One decision per "
    "evaluation; known when the evaluation ends.",
    automation_condition=in_the_same_run(),
)
def promotion(
    evaluation: pl.LazyFrame,
    models: dg.ResourceParam[ModelStore],
    tracking: dg.ResourceParam[Tracking],
) -> dg.MaterializeResult:
    candidate_id = models.challenger()
    result = Evaluation(candidate_id, evaluation.collect())
    previous = models.promotion()
    champion = previous.champion if previous else None
    if champion and not models.agree(champion.candidate_id, candidate_id):
        champion = None  # it was made on another sentiment model's scores and cannot read these
    decision = decide(result, champion)
    tracking.store().promote(decision.champion.candidate_id, verdict=result.verdict)
    path = models.keep_promotion(decision)
    return dg.MaterializeResult(
        metadata={
            "promoted": decision.promoted,
            "is_proven": decision.is_proven,
            "champion": decision.champion.candidate_id,
            "champion_is_proven": decision.champion.is_proven,
            "reasons": dg.MetadataValue.md("\n".join(f"- {line}" for line in decision.reasons)),
            "path": dg.MetadataValue.path(str(path)),
        }
    )
