"""Monitoring assets: the drift of features and predictions, and the champion's live quality.

https://docs.dagster.io/guides/build/assets
"""

from functools import partial

import dagster as dg
import polars as pl

from finpulse_assets.defs.models.assets import promotion
from finpulse_assets.domain.monitoring.drift import (
    DriftRule,
    column_kinds,
    judged_rows,
    measure_drift,
    merge_history,
    split_recent,
    summary,
)
from finpulse_assets.domain.monitoring.live_quality import merge_quality, sentence_of
from finpulse_assets.domain.plots import evaluation as plots
from finpulse_assets.domain.plots.text_drift import text_drift_plot
from finpulse_assets.domain.predictions.signals import current_signals
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.models.model_store import ModelStore
from finpulse_assets.gateways.reports.evidently_report import write_drift_page
from finpulse_assets.gateways.sentiment.embeddings import MiniLM
from finpulse_assets.gateways.warehouse.reader import Warehouse
from finpulse_assets.orchestration.catalog.metadata import (
    RESEARCH,
    definition_metadata,
    description,
    png,
    table,
)
from finpulse_assets.orchestration.dbt.models import DAILY_FEATURES
from finpulse_assets.orchestration.run.clock import RunClock
from finpulse_assets.orchestration.run.once import ONCE
from finpulse_assets.orchestration.training.embedded_texts import vectors_of
from finpulse_assets.orchestration.training.proof import review_proof
from finpulse_assets.orchestration.training.text_drift import text_drift_of
from finpulse_assets.schemas import FEATURE_DRIFT, LIVE_QUALITY, TEXT_DRIFT
from finpulse_assets.settings import Settings


class DriftConfig(dg.Config):
    """Whether to draw the most moved columns (Evidently) also where nothing has drifted."""

    page: bool = False


@dg.asset(
    key_prefix="monitoring",
    ins={
        "signals": dg.AssetIn(["predictions", "daily_signals"]),
        "predictions": dg.AssetIn(["models", "out_of_sample_predictions"]),
    },
    deps=[promotion, DAILY_FEATURES],
    pool="duckdb",
    group_name="monitoring",
    kinds={"polars", "evidently", "parquet"},
    op_tags=ONCE,
    owners=[RESEARCH],
    tags={"domain": "ml"},
    description=description(
        FEATURE_DRIFT,
        "How far features and predictions of the last 20 sessions have moved from the champion's "
        "training window, each held to how far it moved within that window. Where they have "
        "drifted, or with page=true, the most moved are drawn on a page.",
    ),
    metadata=definition_metadata(FEATURE_DRIFT),
)
def feature_drift(
    context: dg.AssetExecutionContext,
    config: DriftConfig,
    signals: pl.LazyFrame,
    predictions: pl.LazyFrame,
    warehouse: dg.ResourceParam[Warehouse],
    models: dg.ResourceParam[ModelStore],
    lake: dg.ResourceParam[Lake],
    settings: dg.ResourceParam[Settings],
):
    decision = models.in_force()
    champion, rule = decision.champion.candidate_id, DriftRule()
    card = models.load(champion)
    # Another family states other sizes: held to them, a champion of today's would seem to drift.
    own = signals.filter(pl.col("model_version").is_in(models.kin(champion)))
    rows = judged_rows(
        warehouse.query(f"select * from {DAILY_FEATURES}"),  # noqa: S608
        current_signals(own.collect()),
        predictions.filter(candidate=models.family(champion)).collect(),
    )
    recent, reference = split_recent(
        rows, trained_from=card.trained_from, trained_to=card.trained_to, rule=rule
    )
    report = measure_drift(recent, reference, column_kinds(), model_version=champion, rule=rule)
    result = summary(report)
    page = {}
    if config.page or (result.is_drifted and settings.publish):
        folder = settings.root / "reports" / "drift"
        path = write_drift_page(folder, result.session_date, recent, reference, result.most_moved)
        page = {"report": dg.MetadataValue.path(str(path))}
    context.log.info(result.sentence)
    return dg.MaterializeResult(
        value=merge_history(FEATURE_DRIFT, lake.read_or_empty(FEATURE_DRIFT).collect(), report),
        metadata={
            "plot": png(plots.drift_plot(report)),
            "session_date": str(result.session_date),
            "is_drifted": result.is_drifted,
            "drifted_share": result.share,
            "summary": result.sentence,
            "most_moved": table(result.most_moved),
            **page,
        },
    )


@dg.asset(
    key_prefix="monitoring",
    ins={"sessions": dg.AssetIn(["raw", "sessions"])},
    deps=[promotion, ["raw", "tweets"], ["raw", "headlines"], ["scored", "text_traits"]],
    group_name="monitoring",
    kinds={"polars", "parquet"},
    op_tags=ONCE,
    owners=[RESEARCH],
    tags={"domain": "ml"},
    description=description(
        TEXT_DRIFT,
        "Whether the texts of the last 20 sessions can be told from those of the champion's "
        "training window (AUC, MMD), held to how well its own spans can be told from each other.",
    ),
    metadata=definition_metadata(TEXT_DRIFT),
)
def text_drift(
    context: dg.AssetExecutionContext,
    sessions: pl.LazyFrame,
    clock: dg.ResourceParam[RunClock],
    models: dg.ResourceParam[ModelStore],
    lake: dg.ResourceParam[Lake],
    settings: dg.ResourceParam[Settings],
):
    decision = models.in_force()
    champion = decision.champion.candidate_id
    card = models.load(champion)
    decided = sessions.filter(pl.col("decision_at") <= clock.as_of).collect()["session_date"]
    by, minilm = {}, MiniLM()
    if settings.embeddings:
        vectors = partial(vectors_of, settings.models / "scores", minilm)
        by = {"vectors_of": vectors, "made_by": minilm.name}
    drift = text_drift_of(
        lake, decided.sort(), trained_from=card.trained_from, trained_to=card.trained_to,
        champion=champion, **by,
    )  # fmt: skip
    context.log.info(drift.sentence)
    return dg.MaterializeResult(
        value=merge_history(TEXT_DRIFT, lake.read_or_empty(TEXT_DRIFT).collect(), drift.row),
        metadata={
            "plot": png(text_drift_plot(drift)),
            "session_date": str(decided.max()),
            "is_drifted": drift.row["is_drifted"][0],
            "summary": drift.sentence,
            "moved_words": table(drift.words),
        },
    )


@dg.asset(
    key_prefix="monitoring",
    deps=[
        dg.AssetKey(["predictions", "outcomes"]),
        dg.AssetKey(["raw", "sessions"]),
        dg.AssetKey(["scored", "text_sentiment"]),
    ],
    group_name="outcomes",
    kinds={"polars", "parquet"},
    owners=[RESEARCH],
    tags={"domain": "ml"},
    description=description(
        LIVE_QUALITY,
        "The champion on its own matured predictions of the last 40 sessions, beside naive "
        "guesses. Where they contradict its proof, the proof is lost: signals and service say so.",
    ),
    metadata=definition_metadata(LIVE_QUALITY),
)
def live_quality(
    lake: dg.ResourceParam[Lake],
    models: dg.ResourceParam[ModelStore],
    clock: dg.ResourceParam[RunClock],
    settings: dg.ResourceParam[Settings],
):
    review = review_proof(
        lake, models, clock, resamples=settings.resamples, cost_bps=settings.cost_bps
    )
    champion = review.decision.champion if review.decision else None
    return dg.MaterializeResult(
        value=merge_quality(lake.read_or_empty(LIVE_QUALITY).collect(), review.quality),
        metadata={
            "summary": sentence_of(review.quality),
            "champion": champion.candidate_id if champion else "none",
            "is_proven": champion is not None and champion.is_proven,
            "skills": ", ".join(champion.skills) if champion and champion.skills else "none",
            "matured_sessions": review.quality["session_count"].max() or 0,
            "reasons": "; ".join(review.decision.reasons) if review.decision else "none",
        },
    )
