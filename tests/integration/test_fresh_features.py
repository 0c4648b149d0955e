"""Texts and bars that are sent give the features that a batch gives once a source delivers them."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from finpulse_assets.domain.serving.fresh import (
    FreshBar,
    FreshRequest,
    FreshText,
    fresh_scores,
    fresh_texts,
)
from finpulse_assets.domain.serving.sentiment import TextScore
from finpulse_assets.errors import RequestError, ServiceError
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.serving.fresh_features import TICK, FreshFeatures
from finpulse_assets.gateways.warehouse.replay import MartReplay
from finpulse_assets.orchestration.audit.feature_replay import FeatureReplay, read_inputs
from finpulse_assets.schemas import PRICES, SESSIONS, TEXT_SENTIMENT

MART = "fct_daily_features"
# One is a near copy of another, one is in another language, and two are of one author.
TEXTS = [
    FreshText("$ALDA beats estimates and raises its outlook for the year", author="ann"),
    FreshText("ALDA beats estimates and raises its outlook for the year!", "headline"),
    FreshText("$ALDA and $MERC: a downgrade, sell both now before it is too late", author="ann"),
    FreshText("Die Aktie steigt heute weiter, das gefällt den Anlegern sehr"),
]


@pytest.fixture(scope="module")
def root(demo_home: Path) -> Path:
    return demo_home / "demo"


@pytest.fixture(scope="module")
def features(root: Path) -> FreshFeatures:
    return FreshFeatures(Lake(root / "lake"), root / "dbt_target" / "manifest.json")


def now_of(lake: Lake) -> datetime:
    """Return the time of the newest decision in the lake, and an hour."""
    newest = lake.scan(PRICES).select(pl.col("session_date").max()).collect().item()
    sessions = lake.scan(SESSIONS).filter(pl.col("session_date") == newest).collect()
    return sessions["decision_at"][0].astimezone(UTC) + timedelta(hours=1)


def batch(root: Path, now: datetime, **added: pl.DataFrame) -> pl.DataFrame:
    """Return the last session of the mart, as a batch builds it whole with more rows delivered."""
    tables = read_inputs(Lake(root / "lake"))
    for name, rows in added.items():
        table = name.replace("__", "/")
        tables[table] = pl.concat([tables[table], rows])
    replay = FeatureReplay(MartReplay.of(root / "dbt_target" / "manifest.json"))
    built = replay.build(tables, MART, as_of=now).drop("bars_seen")
    return built.filter(pl.col("session_date") == pl.col("session_date").max()).sort("ticker")


def scores(lake: Lake) -> list[TextScore]:
    fingerprint = lake.scan(TEXT_SENTIMENT).select("model_fingerprint").first().collect().item()
    values = [(0.8, 0.1), (0.7, 0.1), (0.05, 0.9), (0.4, 0.2)]
    return [
        TextScore(label="positive", score=p - n, p_positive=p, p_negative=n, p_neutral=1 - p - n,
                  is_truncated=False, model_fingerprint=fingerprint)
        for p, n in values
    ]  # fmt: skip


def test_every_row_of_the_last_session_is_to_the_bit_that_of_a_batch_with_the_texts(root, features):
    now, asked = now_of(features.lake), FreshRequest("ALDA", TEXTS)
    found = features.rows(asked, scores(features.lake), now)
    day, decided_at = found.select("session_date", "decision_at").row(0)
    tweets, headlines = fresh_texts(TEXTS, "ALDA", day, decided_at - TICK)
    made = fresh_scores(TEXTS, scores(features.lake), decided_at - TICK)
    whole = batch(root, now, raw__tweets=tweets, raw__headlines=headlines,
                  scored__text_sentiment=made)  # fmt: skip
    assert found.equals(whole)
    before = features.rows(FreshRequest("ALDA"), [], now)
    of_it = pl.col("ticker") == "ALDA"
    counts = [rows.filter(of_it)["text_count"].item() for rows in (before, found)]
    assert counts[1] - counts[0] == 3, "English texts count"
    assert before.columns == found.columns
    assert not before.filter(~of_it)["market_sentiment_mean"].equals(
        found.filter(~of_it)["market_sentiment_mean"]
    )


def test_a_bar_that_is_sent_gives_what_a_source_that_delivers_it_gives(root, features, tmp_path):
    """The lake without the last bar of one ticker; with it sent the rows are as they were."""
    now, whole = now_of(features.lake), batch(root, now_of(features.lake))
    own = pl.col("ticker") == "ALDA"
    prices = features.lake.scan(PRICES).collect()
    newest = prices["session_date"].max()
    bar = prices.filter(own, pl.col("session_date") == newest).row(0, named=True)
    lake = Lake(tmp_path / "lake")
    for path in (root / "lake" / "raw").iterdir():
        if path.name != "prices":
            shutil.copytree(path, tmp_path / "lake" / "raw" / path.name)
    shutil.copytree(root / "lake" / "scored", tmp_path / "lake" / "scored")
    kept = prices.filter(~(own & (pl.col("session_date") == newest)))
    lake.replace(PRICES, kept, features.lake.partitions(PRICES))
    sent = FreshBar(newest, *(bar[name] for name in ("open", "high", "low", "close")),
                    bar["volume_shares"])  # fmt: skip
    fresh = FreshFeatures(lake, features.manifest)
    assert fresh.rows(FreshRequest("ALDA", [], [sent]), [], now).equals(whole)
    with pytest.raises(RequestError, match="is no decided session after"):
        features.rows(FreshRequest("ALDA", [], [sent]), [], now)


def test_scores_of_another_model_do_not_mix(features):
    other = [it.model_copy(update={"model_fingerprint": "x" * 64}) for it in scores(features.lake)]
    with pytest.raises(ServiceError, match="the scorer's model is xxxxxxxxxxxx"):
        features.rows(FreshRequest("ALDA", TEXTS), other, now_of(features.lake))
    with pytest.raises(RequestError, match="the lake has no features of NONE"):
        features.rows(FreshRequest("NONE", TEXTS), scores(features.lake), now_of(features.lake))
