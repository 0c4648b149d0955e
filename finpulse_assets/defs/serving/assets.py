"""Serving assets: the features a service reads, and the service itself as a bento.

https://docs.dagster.io/guides/build/assets
"""

import tempfile
from pathlib import Path

import dagster as dg
import polars as pl

from finpulse_assets.defs.models.assets import promotion
from finpulse_assets.defs.sentiment.assets import sentiment_model
from finpulse_assets.domain.features.adjusted_prices import adjusted_prices
from finpulse_assets.domain.features.online import ONLINE_FEATURES, latest_features
from finpulse_assets.domain.serving.news import recent_texts
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.models.model_store import ModelStore
from finpulse_assets.gateways.serving.bento_store import BentoStore, Flavour
from finpulse_assets.gateways.serving.bundle import write_bundle
from finpulse_assets.gateways.serving.sentiment_bundle import ScorerCard, write_sentiment_bundle
from finpulse_assets.gateways.serving.store_layout import SENTIMENT
from finpulse_assets.gateways.warehouse.reader import Warehouse
from finpulse_assets.orchestration.automation.schedule import after_update_of
from finpulse_assets.orchestration.catalog.metadata import (
    PLATFORM,
    definition_metadata,
    description,
)
from finpulse_assets.orchestration.dbt.models import DAILY_FEATURES
from finpulse_assets.orchestration.run.clock import RunClock
from finpulse_assets.orchestration.run.once import ONCE, TIMELESS
from finpulse_assets.orchestration.training.sentiment_model import current_sentiment_model
from finpulse_assets.schemas import HEADLINES, TEXT_SENTIMENT, TWEETS
from finpulse_assets.settings import Settings


@dg.asset(
    key_prefix="serving",
    ins={
        "tickers": dg.AssetIn(["raw", "tickers"]),
        "prices": dg.AssetIn(["raw", "prices"]),
        "corporate_actions": dg.AssetIn(["raw", "corporate_actions"]),
        "sessions": dg.AssetIn(["raw", "sessions"]),
        "sources": dg.AssetIn(["raw", "sources"]),
    },
    deps=[DAILY_FEATURES],
    pool="duckdb",
    op_tags=ONCE,
    group_name="serving",
    kinds={"polars", "parquet"},
    owners=[PLATFORM],
    tags={"domain": "ml"},
    description=description(
        ONLINE_FEATURES,
        "What the service reads for a symbol, with its last close; "
        "delisted tickers are kept and marked.",
    ),
    metadata=definition_metadata(ONLINE_FEATURES),
)
def online_features(
    tickers: pl.LazyFrame,
    prices: pl.LazyFrame,
    corporate_actions: pl.LazyFrame,
    sessions: pl.LazyFrame,
    sources: pl.LazyFrame,
    warehouse: dg.ResourceParam[Warehouse],
    clock: dg.ResourceParam[RunClock],
):
    rows = warehouse.query(
        f"select * from {DAILY_FEATURES} qualify session_date = max(session_date) "  # noqa: S608
        "over (partition by ticker)"
    )
    adjusted = adjusted_prices(
        prices,
        corporate_actions,
        sessions.collect(),
        as_of=clock.as_of,
        sources=sources.collect(),
    )
    published = latest_features(
        rows, tickers.collect(), adjusted.select("ticker", "session_date", "close")
    )
    newest = published["session_date"].max()
    return dg.MaterializeResult(
        value=published,
        metadata={
            "session_date": str(newest),
            "older_tickers": int((published["session_date"] < newest).sum()),
            "feature_view": published["feature_view"][0],
        },
    )


RECENT = tuple(dg.AssetKey(it.name.split("/")) for it in (TWEETS, HEADLINES, TEXT_SENTIMENT))


class BentoConfig(dg.Config):
    """How the image is made."""

    flavour: Flavour = Flavour.CPU


@dg.asset(
    key_prefix="serving",
    ins={"online": dg.AssetIn(["serving", "online_features"])},
    deps=[promotion, dg.AssetKey(["monitoring", "live_quality"]), *RECENT],
    pool="bento_store",
    op_tags=ONCE,
    group_name="serving",
    kinds={"bentoml", "json"},
    owners=[PLATFORM],
    tags={"domain": "ml"},
    description="The price predictor as a bento: the champion under its seal, the decision that "
    "promoted it, the online features, the newest texts and the service. One bento per champion, "
    "features and texts, built when one of them changed; known at decision_at of the newest "
    "session.",
    automation_condition=after_update_of(promotion.key),
)
def price_bento(
    config: BentoConfig,
    online: pl.LazyFrame,
    models: dg.ResourceParam[ModelStore],
    bentos: dg.ResourceParam[BentoStore],
    lake: dg.ResourceParam[Lake],
    clock: dg.ResourceParam[RunClock],
) -> dg.MaterializeResult:
    decision = models.in_force()
    champion, features = decision.champion, online.collect()
    labels = {
        "champion": champion.candidate_id,
        "is_proven": str(champion.is_proven).lower(),
        "session_date": str(features["session_date"].max()),
        "feature_view": features["feature_view"][0][:16],
    }
    texts = recent_texts(
        *(lake.read_or_empty(it) for it in (TWEETS, HEADLINES, TEXT_SENTIMENT)), as_of=clock.as_of
    )
    with tempfile.TemporaryDirectory() as folder:
        write_bundle(Path(folder), models.load(champion.candidate_id), decision, features, texts)
        bento, is_new = bentos.keep(Path(folder), flavour=config.flavour, labels=labels)
    return dg.MaterializeResult(
        metadata={
            **labels,
            "tag": bento.tag,
            "built": is_new,
            "flavour": config.flavour.value,
            "path": dg.MetadataValue.path(str(bento.folder)),
            "bundle": dg.MetadataValue.path(str(bento.bundle)),
        }
    )


@dg.asset(
    key_prefix="serving",
    deps=[sentiment_model],
    pool="bento_store",
    op_tags=TIMELESS,
    group_name="serving",
    kinds={"bentoml", "huggingface", "json"},
    owners=[PLATFORM],
    tags={"domain": "ml"},
    description="The sentiment scorer as a bento: the classifier under its seal, in the numbers "
    "that the home's scores are made with. One bento per model, built only when it was replaced; "
    "known before the first text is scored.",
)
def sentiment_bento(
    config: BentoConfig, settings: dg.ResourceParam[Settings]
) -> dg.MaterializeResult:
    model = current_sentiment_model(settings)
    card = ScorerCard(model.name, model.arithmetic.dtype, model.fingerprint)
    labels = {"dtype": card.dtype, "fingerprint": card.fingerprint[:16]}
    with tempfile.TemporaryDirectory() as name:
        bundle = Path(name) / "bundle"
        write_sentiment_bundle(bundle, model.folder, card)
        store = BentoStore(settings.bentos, SENTIMENT)
        bento, is_new = store.keep(bundle, flavour=config.flavour, labels=labels)
    return dg.MaterializeResult(
        metadata={
            **labels,
            "model": card.name,
            "tag": bento.tag,
            "built": is_new,
            "flavour": config.flavour.value,
            "path": dg.MetadataValue.path(str(bento.folder)),
        }
    )
