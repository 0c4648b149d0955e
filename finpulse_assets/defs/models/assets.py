"""Model assets: out-of-sample predictions, the price model, its evaluation, its promotion.

https://docs.dagster.io/guides/build/assets
"""

import dagster as dg
import polars as pl

from finpulse_assets.domain.evaluation.promotion import decide
from finpulse_assets.domain.evaluation.report import evaluate, evaluations
from finpulse_assets.domain.evaluation.rollback import taken_back
from finpulse_assets.domain.evaluation.walk_forward import walk_forward_predictions
from finpulse_assets.domain.models.registry import CHALLENGERS, WITH_EMBEDDINGS, never_promoted
from finpulse_assets.domain.plots import evaluation as plots
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.models.model_store import ModelStore
from finpulse_assets.gateways.warehouse.reader import Warehouse
from finpulse_assets.orchestration.automation.freshness import MODEL_FRESHNESS
from finpulse_assets.orchestration.automation.schedule import in_the_same_run, retrain_when_stale
from finpulse_assets.orchestration.catalog.metadata import (
    RESEARCH,
    definition_metadata,
    description,
    finite,
    png,
)
from finpulse_assets.orchestration.dbt.models import TRAINING_SET
from finpulse_assets.orchestration.run.clock import RunClock
from finpulse_assets.orchestration.run.once import ONCE
from finpulse_assets.orchestration.run.sources import planted_sentence
from finpulse_assets.orchestration.run.tracking import Tracking
from finpulse_assets.orchestration.training.holdout import read_once
from finpulse_assets.orchestration.training.importance import kept_fits, recipe_of, steadiness
from finpulse_assets.orchestration.training.pruning import prune_models
from finpulse_assets.orchestration.training.training_plan import evaluate_all, trials_of
from finpulse_assets.schemas import EVALUATION, FOLD_IMPORTANCE, OUT_OF_SAMPLE
from finpulse_assets.settings import Settings

METRICS = (
    "rank_ic", "icir", "market_ic", "mcc_of_median", "accuracy", "mcc", "auc", "log_loss", "brier",
    "calibration_bias", "calibration_slope",
    "long_short_return", "net_return", "turnover", "break_even_bps", "drawdown",
    "long_short_sharpe", "net_sharpe", "deflated_sharpe", "deflated_net_sharpe",
    "overfitting_probability", "mae_skill", "rmse_skill", "expected_direction",
)  # fmt: skip
MODEL_KEY = dg.AssetKey(["models", "price_model"])
IMPORTANCE_KEY = dg.AssetKey(["models", "fold_importance"])


@dg.asset(
    key_prefix="models",
    deps=[TRAINING_SET, ["features", "text_embeddings"]],
    pool="duckdb",
    group_name="models",
    kinds={"lightgbm", "parquet"},
    op_tags=ONCE,
    owners=[RESEARCH],
    tags={"domain": "ml"},
    description=description(
        OUT_OF_SAMPLE,
        "What each candidate, naive guesses among them, predicts for sessions it never saw, by "
        "purged walk-forward.",
    ),
    metadata=definition_metadata(OUT_OF_SAMPLE),
    automation_condition=retrain_when_stale(MODEL_KEY, own=False),
)
def out_of_sample_predictions(
    context: dg.AssetExecutionContext,
    warehouse: dg.ResourceParam[Warehouse],
    lake: dg.ResourceParam[Lake],
    settings: dg.ResourceParam[Settings],
):
    recipe = recipe_of(context, warehouse, settings, lake)
    if shown := never_promoted(settings.candidates.split(",")):
        context.log.warning(shown)
    return walk_forward_predictions(
        recipe.frame,
        recipe.folds,
        recipe.candidates,
        sentiment_fingerprint=recipe.sentiment_fingerprint,
        kept=kept_fits(settings),
        on_fold=lambda fold, rows: context.log.info(f"fold {fold.index}: {rows.height:,} rows"),
    )


@dg.asset(
    key_prefix="models",
    ins={"predictions": dg.AssetIn(["models", "out_of_sample_predictions"])},
    deps=[TRAINING_SET, ["features", "text_embeddings"]],
    pool="duckdb",
    group_name="models",
    kinds={"lightgbm", "mlflow"},
    op_tags=ONCE,
    owners=[RESEARCH],
    tags={"domain": "ml"},
    description="The challengers: probability of an up move and expected return, fitted "
    "on every labelled row, calibrated on its out-of-sample predictions and kept under their "
    "candidate_id. One model per candidate_id, alias challenger in MLflow; known after the last "
    "label's session has closed.",
    freshness_policy=MODEL_FRESHNESS,
    automation_condition=retrain_when_stale(MODEL_KEY, own=True),
)
def price_model(
    context: dg.AssetExecutionContext,
    predictions: pl.LazyFrame,
    warehouse: dg.ResourceParam[Warehouse],
    models: dg.ResourceParam[ModelStore],
    tracking: dg.ResourceParam[Tracking],
    lake: dg.ResourceParam[Lake],
    settings: dg.ResourceParam[Settings],
) -> dg.MaterializeResult:
    recipe = recipe_of(context, warehouse, settings, lake)
    for model in recipe.fit_challengers(predictions.collect()):
        folder = models.save(model)
        importance = model.importance()
        version = tracking.store().log_candidate(
            folder,
            candidate_id=model.candidate_id,
            booster_text=model.booster_text,
            params={**model.plan, "feature_count": len(model.features), "rows": model.row_count},
            importance=dict(importance.select("feature", "gain_share").iter_rows()),
        )
    return dg.MaterializeResult(
        metadata={
            "plot_importance": png(plots.importance_plot(importance)),
            "candidate_id": model.candidate_id,
            "sentiment_fingerprint": model.sentiment_fingerprint,
            "mlflow_version": version,
            "trained_from": str(model.trained_from),
            "trained_to": str(model.trained_to),
            "dagster/row_count": model.row_count,
            "feature_count": len(model.features),
            "left_out_features": ", ".join(recipe.left_out) or "none",
            "text_gain_share": float(importance.filter("is_text")["gain_share"].sum()),
            "path": dg.MetadataValue.path(str(folder)),
        }
    )


@dg.asset(
    key_prefix="models",
    ins={"predictions": dg.AssetIn(["models", "out_of_sample_predictions"])},
    deps=[price_model, IMPORTANCE_KEY],
    group_name="models",
    kinds={"polars", "mlflow", "parquet"},
    op_tags=ONCE,
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
    lake: dg.ResourceParam[Lake],
    tracking: dg.ResourceParam[Tracking],
    models: dg.ResourceParam[ModelStore],
    settings: dg.ResourceParam[Settings],
):
    rows = predictions.collect()
    results = evaluate_all(rows, settings)
    result = results[0]  # shown; the table has them all
    market = planted_sentence(settings)
    figures = {
        "ranking.png": plots.ranking_plot(result),
        "accuracy.png": plots.accuracy_plot(result),
        "folds.png": plots.fold_accuracy_plot(result),
        "calibration.png": plots.calibration_plot(rows.filter(candidate=result.candidate)),
        "rank_ic.png": plots.rank_ic_plot(rows, result.candidate),
    }
    scores = finite({metric: result.estimate(metric).value for metric in METRICS})
    tracking.store().log_evaluation(
        scores, figures, {"verdict": result.verdict, "reason": result.reason}
    )
    return dg.MaterializeResult(
        value=pl.concat([it.table for it in results]),
        metadata={
            **{f"plot_{name.removesuffix('.png')}": png(image) for name, image in figures.items()},
            "candidate_id": result.candidate_id,
            "verdict": result.verdict,
            "reason": result.reason,
            **({"market": market} if market else {}),
            **scores,
            "skills": ", ".join(result.proven) or "none",
            "market_alone": results[-1].reason,
            "never_promoted": never_promoted(it.candidate for it in results),
            "trials": trials_of(settings),
            **steadiness(lake.read_or_empty(FOLD_IMPORTANCE).collect(), result.candidate_id),
            **_with_embeddings(rows, settings.resamples),
            **_next_sentiment(models, result.candidate_id),
        },
    )


def _next_sentiment(models: ModelStore, candidate_id: str) -> dict[str, str]:
    """Return what is known of the sentiment head of a candidate's model, where it lies here."""
    if candidate_id not in models.candidates():
        return {}
    head = models.load(candidate_id).sentiment_head
    return {"next_sentiment": head.reason if head else "too few sessions with texts"}


def _with_embeddings(predictions: pl.DataFrame, resamples: int) -> dict[str, str]:
    """Return the verdict on the candidate that reads embeddings, where there is one."""
    if WITH_EMBEDDINGS not in predictions["candidate"]:
        return {}
    return {"with_embeddings": evaluate(predictions, WITH_EMBEDDINGS, resamples=resamples).reason}


@dg.asset(
    key_prefix="models",
    ins={"evaluation": dg.AssetIn(["models", "evaluation"])},
    deps=[price_model, dg.AssetKey(["monitoring", "live_quality"]), TRAINING_SET],
    pool="duckdb",
    op_tags=ONCE,
    group_name="models",
    kinds={"json", "mlflow"},
    owners=[RESEARCH],
    tags={"domain": "ml"},
    description="The decision which model predicts, with its reasons and its history; moves the "
    "alias champion and removes models that nobody needs. A candidate is proven in what its "
    "own interval shows: ranking, market, text, after costs. One decision "
    "per evaluation; known when the evaluation ends.",
    automation_condition=in_the_same_run(),
)
def promotion(
    context: dg.AssetExecutionContext,
    evaluation: pl.LazyFrame,
    warehouse: dg.ResourceParam[Warehouse],
    lake: dg.ResourceParam[Lake],
    models: dg.ResourceParam[ModelStore],
    tracking: dg.ResourceParam[Tracking],
    settings: dg.ResourceParam[Settings],
    clock: dg.ResourceParam[RunClock],
) -> dg.MaterializeResult:
    recipe = recipe_of(context, warehouse, settings, lake) if settings.holdout_sessions else None
    before = models.promotion()
    if before is not None and before.taken_back:
        tracking.store().promote(before.champion.candidate_id, verdict="rolled back to")
    for result in evaluations(evaluation.collect()):
        if result.candidate not in CHALLENGERS:
            continue
        model = models.load(result.candidate_id)
        seen = recipe and read_once(recipe, models, result, read_at=clock.as_of)
        gone = taken_back(models.history())
        decision = models.decide(
            lambda before, result=result, model=model, seen=seen, gone=gone: decide(
                result,
                before.champion if before else None,
                decided_at=clock.as_of,
                sentiment_fingerprint=model.sentiment_fingerprint,
                holdout=seen,
                taken_back=gone,
            )
        )
        if decision.promoted:
            tracking.store().promote(result.candidate_id, verdict=result.verdict)
    pruned = prune_models(models, tracking.store(), lake, clock, kept=settings.models_kept)
    return dg.MaterializeResult(
        metadata={
            "promoted": decision.promoted,
            "is_proven": decision.is_proven,
            "champion": decision.champion.candidate_id,
            "champion_is_proven": decision.champion.is_proven,
            "champion_skills": ", ".join(decision.champion.skills) or "none",
            "reasons": dg.MetadataValue.md("\n".join(f"- {line}" for line in decision.reasons)),
            "holdout_reads": len(models.holdout_reads()),
            "path": dg.MetadataValue.path(str(models.history_path)),
            "pruned_models": ", ".join(pruned.models) or "none",
            "pruned_mlflow_versions": ", ".join(pruned.versions) or "none",
        },
    )
