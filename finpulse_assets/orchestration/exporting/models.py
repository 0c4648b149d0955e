"""Numbers of the champion: its age and proofs, drift, live quality."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from finpulse_assets.domain.evaluation.skill import NAMES
from finpulse_assets.domain.monitoring import measures
from finpulse_assets.domain.monitoring.drift import WHOLE
from finpulse_assets.domain.monitoring.live_quality import CHAMPION
from finpulse_assets.domain.monitoring.measures import Sample
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.models.model_store import ModelStore
from finpulse_assets.schemas import FEATURE_DRIFT, LIVE_QUALITY, TEXT_DRIFT
from finpulse_assets.settings import Settings

Samples = Iterator[Sample | None]
NEWEST = pl.col("session_date") == pl.col("session_date").max()


def champion(settings: Settings) -> Samples:
    """Yield since when the champion predicts, and each of its skills; nothing before the first."""
    history = ModelStore(settings.models / "price").history()
    if not history:
        return
    found = history[-1].champion
    promoted = [it for it in history if it.promoted and it.candidate_id == found.candidate_id]
    yield measures.CHAMPION(1, found.candidate_id)
    yield measures.CHAMPION_SINCE(promoted[0].decided_at if promoted else None)
    yield measures.PROOF_LOST(found.proof_lost_at is not None and not found.is_proven)
    for name in NAMES:
        yield measures.SKILL_PROVEN(name in found.skills, name)
        yield measures.SKILL_MEASURED(found.measured.get(name), name)


def drift(settings: Settings) -> Samples:
    """Yield the latest reports on features and texts."""
    lake = Lake(settings.lake)
    whole = lake.read_or_empty(FEATURE_DRIFT).filter(NEWEST, feature=WHOLE).collect()
    for row in whole.iter_rows(named=True):
        yield measures.DRIFTED_SHARE(row["value"])
        yield measures.DRIFTED(row["is_drifted"], "features")
    for row in lake.read_or_empty(TEXT_DRIFT).filter(NEWEST).collect().iter_rows(named=True):
        yield measures.TEXT_AUC(row["auc"])
        yield measures.DRIFTED(row["is_drifted"], "texts")


def live_quality(settings: Settings) -> Samples:
    """Yield the champion's scores on what has matured, with their bounds where there are any."""
    held = Lake(settings.lake).read_or_empty(LIVE_QUALITY)
    rows = held.filter(NEWEST, predictor=CHAMPION).collect()
    yield measures.LIVE_SESSIONS(rows["session_count"].max() or 0)
    for row in rows.iter_rows(named=True):
        for bound in ("value", "lower", "upper"):
            yield measures.LIVE(row[bound], row["metric"], bound)
