"""Sentiment assets: the classifier, and the score of every distinct text (the GPU op).

https://docs.dagster.io/guides/build/assets
"""

from dataclasses import asdict

import dagster as dg
import polars as pl

from finpulse_assets.domain.texts.scored_rows import distinct_texts, sentiment_rows
from finpulse_assets.gateways.sentiment.baseline import vader_scores
from finpulse_assets.gateways.sentiment.score_store import ScoreStore, score_missing
from finpulse_assets.orchestration.catalog.metadata import (
    RESEARCH,
    definition_metadata,
    description,
)
from finpulse_assets.orchestration.run.clock import MONTHS
from finpulse_assets.orchestration.training.sentiment_model import (
    current_sentiment_model,
    labelled_texts,
    make_sentiment_model,
)
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
            "folder": dg.MetadataValue.path(str(model.folder)),
            "report": dg.MetadataValue.json(dict(model.report)),
        }
    )


@dg.asset(
    key_prefix="scored",
    ins={
        "tweets": dg.AssetIn(["raw", "tweets"]),
        "headlines": dg.AssetIn(["raw", "headlines"]),
    },
    deps=[sentiment_model],
    partitions_def=MONTHS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    pool="finbert",
    op_tags=GPU_TAGS,
    group_name="sentiment",
    kinds={"huggingface", "pytorch", "parquet"},
    owners=[RESEARCH],
    tags={"domain": "ml"},
    description=description(
        TEXT_SENTIMENT, "The opinion in each text, by the sentiment model, with VADER beside it."
    ),
    metadata=definition_metadata(TEXT_SENTIMENT),
)
def text_sentiment(
    context: dg.AssetExecutionContext,
    tweets: pl.LazyFrame,
    headlines: pl.LazyFrame,
    settings: dg.ResourceParam[Settings],
):
    model = current_sentiment_model(settings)
    store = ScoreStore(settings.models / "scores", model.fingerprint)
    texts = distinct_texts(tweets, headlines)
    report = score_missing(
        store,
        lambda: model.load(settings.device),
        texts,
        on_progress=lambda done, of: context.log.info(f"scored {done:,} of {of:,} texts"),
    )
    scores = store.known(texts["text_hash"])
    rows = sentiment_rows(texts, scores, vader_scores(texts["text"].to_list()), model.fingerprint)
    return dg.MaterializeResult(
        value=rows,
        metadata={
            **{name: value for name, value in asdict(report).items() if value is not None},
            "truncated_share": float(rows["is_truncated"].mean() or 0.0),
            "mean_score": float(rows["score"].mean() or 0.0),
            "model_fingerprint": model.fingerprint,
        },
    )
