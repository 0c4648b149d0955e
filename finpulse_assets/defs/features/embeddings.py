"""The features of sentence embeddings, on request.

https://docs.dagster.io/guides/build/assets
"""

import dagster as dg
import polars as pl

from finpulse_assets.domain.texts.embeddings import TEXT_EMBEDDINGS
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.sentiment.embeddings import MiniLM
from finpulse_assets.orchestration.catalog.metadata import (
    RESEARCH,
    definition_metadata,
    description,
)
from finpulse_assets.orchestration.run.once import ONCE
from finpulse_assets.orchestration.training.embedded_texts import embedded_sessions
from finpulse_assets.schemas import PRICES
from finpulse_assets.settings import Settings

OFF = "off; FINPULSE_EMBEDDINGS=true keeps embeddings"


@dg.asset(
    key_prefix="features",
    deps=[["raw", "tweets"], ["raw", "headlines"], ["scored", "text_traits"], ["raw", "prices"]],
    pool="finbert",
    op_tags=ONCE,
    group_name="features",
    kinds={"huggingface", "polars", "parquet"},
    owners=[RESEARCH],
    tags={"domain": "ml"},
    description=description(
        TEXT_EMBEDDINGS,
        "The mean sentence embedding of a ticker's texts and of all texts, reduced by a PCA that "
        "is fitted on the first FINPULSE_MIN_TRAIN_SESSIONS sessions; without rows unless "
        "FINPULSE_EMBEDDINGS is set.",
    ),
    metadata=definition_metadata(TEXT_EMBEDDINGS),
)
def text_embeddings(
    context: dg.AssetExecutionContext,
    settings: dg.ResourceParam[Settings],
    lake: dg.ResourceParam[Lake],
):
    if not settings.embeddings:
        return dg.MaterializeResult(value=TEXT_EMBEDDINGS.empty(), metadata={"note": OFF})
    sessions = lake.scan(PRICES).select(pl.col("session_date").unique().sort()).collect()
    rows = embedded_sessions(
        lake,
        settings.models / "scores",
        MiniLM(),
        reference=sessions["session_date"].head(settings.min_train_sessions),
        on_progress=lambda done, of: context.log.info(f"embedded {done:,} of {of:,} texts"),
    )
    return dg.MaterializeResult(value=rows, metadata={"encoder": MiniLM().name})
