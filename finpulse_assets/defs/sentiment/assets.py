"""Sentiment assets: the classifier, its leaderboard, and the score of every text (the GPU op).

https://docs.dagster.io/guides/build/assets
"""

from contextlib import closing

import dagster as dg

from finpulse_assets.domain.plots.sentiment import leaderboard_plot
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.sentiment.leaderboard import leaderboard
from finpulse_assets.gateways.sentiment.scoring import TextScorer
from finpulse_assets.orchestration.catalog.metadata import (
    RESEARCH,
    definition_metadata,
    description,
    png,
    table,
)
from finpulse_assets.orchestration.run.once import TIMELESS
from finpulse_assets.orchestration.run.partitions import MONTHS
from finpulse_assets.orchestration.run.tracking import Tracking
from finpulse_assets.orchestration.training.labelled_sets import labelled_sets, sets_table
from finpulse_assets.orchestration.training.scoring_engine import scoring_engine
from finpulse_assets.orchestration.training.sentiment_leaderboard import (
    CONTAMINATION,
    confusion_table,
    contenders,
    published,
    shown,
)
from finpulse_assets.orchestration.training.sentiment_model import (
    admitted,
    current_sentiment_model,
    dev_table,
    make_sentiment_model,
    models_id,
)
from finpulse_assets.orchestration.training.text_scoring import score_months, scoring_metadata
from finpulse_assets.orchestration.training.text_traits import trait_months, traits_metadata
from finpulse_assets.schemas import SENTIMENT_LEADERBOARD, TEXT_SENTIMENT, TEXT_TRAITS
from finpulse_assets.settings import Settings

# Read by run launchers that place GPU steps (Kubernetes, ECS); ignored on one machine.
GPU_TAGS = {"dagster/priority": "1", "gpu": "preferred"}


@dg.asset(
    key_prefix="models",
    group_name="sentiment",
    kinds={"huggingface", "pytorch", "mlflow"},
    owners=[RESEARCH],
    tags={"domain": "ml"},
    description="The sentiment classifier: trained on packaged MiniLM or another encoder, fetched "
    "(FinBERT), or a folder; safetensors under a manifest of sha256 sums. One model per "
    "fingerprint; known before the first text is scored.",
)
def sentiment_model(
    settings: dg.ResourceParam[Settings], tracking: dg.ResourceParam[Tracking]
) -> dg.MaterializeResult:
    sets = labelled_sets(settings)
    model = make_sentiment_model(settings, sets)
    if model.is_new:
        tracking.store().log_training("sentiment", model.training)
    return dg.MaterializeResult(
        data_version=dg.DataVersion(models_id(settings, sets)),
        metadata={
            "model": model.name,
            "fingerprint": model.fingerprint,
            "arithmetic": str(model.arithmetic),
            "folder": dg.MetadataValue.path(str(model.folder)),
            "labelled_sets": table(sets_table(sets)),
            "dev_figures": table(dev_table(model.training)),
            "report": dg.MetadataValue.json(dict(model.report)),
        },
    )


@dg.asset(
    key_prefix="models",
    deps=[sentiment_model],
    pool="finbert",
    op_tags={**GPU_TAGS, **TIMELESS},
    group_name="sentiment",
    kinds={"huggingface", "polars", "parquet"},
    owners=[RESEARCH],
    tags={"domain": "ml"},
    description=description(
        SENTIMENT_LEADERBOARD,
        "Every sentiment model of the home, VADER and TF-IDF on the dev part of every labelled "
        "set, with published figures beside them.",
    ),
    metadata=definition_metadata(SENTIMENT_LEADERBOARD),
)
def sentiment_leaderboard(settings: dg.ResourceParam[Settings]):
    rows, rates = leaderboard(list(contenders(settings)), labelled_sets(settings))
    return dg.MaterializeResult(
        value=rows,
        metadata={
            "plot_weighted_f1": png(leaderboard_plot(rows)),
            "leaderboard": table(shown(rows, rates)),
            "confusion": table(confusion_table(rows)),
            "published": table(published()),
            "contamination": CONTAMINATION,
        },
    )


@dg.asset(
    key_prefix="scored",
    deps=[sentiment_model, ["raw", "tweets"], ["raw", "headlines"]],
    partitions_def=MONTHS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    pool="finbert",
    op_tags=GPU_TAGS,
    group_name="sentiment",
    kinds={"huggingface", "pytorch", "parquet"},
    owners=[RESEARCH],
    tags={"domain": "ml"},
    description=description(
        TEXT_SENTIMENT,
        "The opinion in each text, by the sentiment model, with VADER beside it. A run scores what "
        "is new, in whatever month, and all texts once the model was replaced.",
    ),
    metadata=definition_metadata(TEXT_SENTIMENT),
)
def text_sentiment(
    context: dg.AssetExecutionContext,
    settings: dg.ResourceParam[Settings],
    lake: dg.ResourceParam[Lake],
) -> dg.MaterializeResult:
    model = admitted(current_sentiment_model(settings), settings)
    months = context.partition_keys
    with closing(scoring_engine(settings, model)) as engine:
        scorer = TextScorer(
            settings.models / "scores",
            model.fingerprint,
            engine,
            on_progress=lambda done, of: context.log.info(f"scored and kept {done:,} of {of:,}"),
        )
        written = score_months(lake, scorer, months)
    for month in written.keys() - set(months):  # Dagster knows of the run's own
        event = dg.AssetMaterialization(context.asset_key, partition=month)
        context.log_event(event.with_metadata({"rows": written[month]}))
    return dg.MaterializeResult(
        metadata={"changed_partitions": len(written), **scoring_metadata(lake, scorer, months)}
    )


@dg.asset(
    key_prefix="scored",
    deps=[["raw", "tweets"], ["raw", "headlines"]],
    partitions_def=MONTHS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    group_name="sentiment",
    kinds={"polars", "parquet"},
    owners=[RESEARCH],
    tags={"domain": "ml"},
    description=description(
        TEXT_TRAITS,
        "What is known of each text besides its opinion: its language, which other texts it nearly "
        "copies (MinHash), and how many tickers it names. A run looks at every month whose texts "
        "have changed.",
    ),
    metadata=definition_metadata(TEXT_TRAITS),
)
def text_traits(
    context: dg.AssetExecutionContext,
    settings: dg.ResourceParam[Settings],
    lake: dg.ResourceParam[Lake],
) -> dg.MaterializeResult:
    months = context.partition_keys
    written = trait_months(lake, months, languages=settings.languages.split(","))
    for month in written.keys() - set(months):
        event = dg.AssetMaterialization(context.asset_key, partition=month)
        context.log_event(event.with_metadata({"rows": written[month]}))
    metadata = traits_metadata(lake, months)
    context.log.info(metadata["left_out"])
    return dg.MaterializeResult(metadata={"changed_partitions": len(written), **metadata})
