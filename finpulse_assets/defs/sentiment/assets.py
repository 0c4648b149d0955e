"""Sentiment assets: the classifier, and the score of every distinct text (the GPU op).

https://docs.dagster.io/guides/build/assets
"""

import dagster as dg

from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.sentiment.scoring import TextScorer
from finpulse_assets.orchestration.catalog.metadata import (
    RESEARCH,
    definition_metadata,
    description,
)
from finpulse_assets.orchestration.run.clock import MONTHS
from finpulse_assets.orchestration.training.sentiment_model import (
    admitted,
    current_sentiment_model,
    labelled_texts,
    make_sentiment_model,
)
from finpulse_assets.orchestration.training.text_scoring import score_months, scoring_metadata
from finpulse_assets.schemas import TEXT_SENTIMENT
from finpulse_assets.settings import Settings

# Read by run launchers that place GPU steps (Kubernetes, ECS); ignored on one machine.
GPU_TAGS = {"dagster/priority": "1", "gpu": "preferred"}


@dg.asset(
    key_prefix="models",
    group_name="sentiment",
    kinds={"huggingface", "pytorch"},
    owners=[RESEARCH],
    tags={"domain": "ml"},
    description="The sentiment classifier: trained on packaged MiniLM, fetched (FinBERT), or a "
    "folder; safetensors under a manifest of sha256 sums. One model per fingerprint; known before "
    "the first text is scored.",
)
def sentiment_model(settings: dg.ResourceParam[Settings]) -> dg.MaterializeResult:
    model = make_sentiment_model(settings, labelled_texts(settings))
    return dg.MaterializeResult(
        metadata={
            "model": model.name,
            "fingerprint": model.fingerprint,
            "arithmetic": str(model.arithmetic),
            "folder": dg.MetadataValue.path(str(model.folder)),
            "report": dg.MetadataValue.json(dict(model.report)),
        }
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
    scorer = TextScorer(
        settings.models / "scores",
        model.fingerprint,
        model.load,
        on_progress=lambda done, of: context.log.info(f"scored and kept {done:,} of {of:,} texts"),
    )
    written = score_months(lake, scorer, months)
    for month in written.keys() - set(months):  # Dagster knows of the run's own
        event = dg.AssetMaterialization(context.asset_key, partition=month)
        context.log_event(event.with_metadata({"rows": written[month]}))
    return dg.MaterializeResult(
        metadata={"changed_partitions": len(written), **scoring_metadata(lake, scorer, months)}
    )
