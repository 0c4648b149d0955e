"""Pruning: price models and MLflow versions that nobody needs any more."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.models.mlflow_store import MlflowStore
from finpulse_assets.gateways.models.model_store import ModelStore
from finpulse_assets.orchestration.run.clock import RunClock
from finpulse_assets.schemas import DAILY_SIGNALS, SESSIONS


@dataclass(frozen=True)
class Pruned:
    """What was removed: candidate ids, and versions of the MLflow registry."""

    models: list[str]
    versions: list[str]


def prune_models(
    models: ModelStore, registry: MlflowStore, lake: Lake, clock: RunClock, *, kept: int
) -> Pruned:
    """Keep the champion, the `kept` newest models and those of predictions under way."""
    gone = models.prune(kept=kept, needed=unmatured_models(lake, clock))
    return Pruned(gone, registry.prune(models.candidates()))


def unmatured_models(lake: Lake, clock: RunClock) -> set[str]:
    """Return the models whose signals are for a session that has not closed at the as-of time."""
    closed = lake.scan(SESSIONS).filter(pl.col("close_at") <= clock.as_of).select("session_date")
    waiting = lake.read_or_empty(DAILY_SIGNALS).join(
        closed, left_on="target_session_date", right_on="session_date", how="anti"
    )
    return set(waiting.select("model_version").unique().collect()["model_version"])
