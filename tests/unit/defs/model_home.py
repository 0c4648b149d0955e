"""A home with a small warehouse, in which the model, signal and quality assets run for real."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path

import dagster as dg
import duckdb
import numpy as np
import polars as pl
import pytest

from finpulse_assets.defs.models.assets import (
    evaluation,
    out_of_sample_predictions,
    price_model,
    promotion,
)
from finpulse_assets.defs.models.backtest import backtest
from finpulse_assets.defs.models.cards import cards
from finpulse_assets.defs.models.importance import fold_importance
from finpulse_assets.defs.monitoring.assets import live_quality
from finpulse_assets.defs.signals.assets import daily_signals
from finpulse_assets.defs.signals.outcomes import outcomes
from finpulse_assets.domain.calendar import build_sessions
from finpulse_assets.domain.features.registry import feature_names
from finpulse_assets.domain.predictions.signals import signals_of
from finpulse_assets.gateways.lake.lake import WHOLE, Lake
from finpulse_assets.gateways.models.model_store import ModelStore
from finpulse_assets.gateways.warehouse.reader import Warehouse
from finpulse_assets.orchestration.alerting.failures import sentence_of
from finpulse_assets.orchestration.run.clock import RunClock
from finpulse_assets.orchestration.run.lake_io import lake_io_manager
from finpulse_assets.schemas import DAILY_SIGNALS, SESSIONS, TEXT_SENTIMENT
from finpulse_assets.settings import Settings
from tests.fakes.tracking import InMemoryTracking

ASSETS = [
    out_of_sample_predictions, price_model, evaluation, promotion, outcomes, live_quality,
    daily_signals, backtest, cards, fold_importance,
]  # fmt: skip
CHAIN = [out_of_sample_predictions, fold_importance, price_model, evaluation, promotion]
CALENDAR = build_sessions(date(2024, 1, 2), date(2025, 1, 31))
DAYS = CALENDAR["session_date"].to_list()
TICKERS = 6
SPAN = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")


def labelled(sessions: int, *, seed: int = 0, effect: float = 3.0) -> pl.DataFrame:
    """Return a training set whose sentiment_mean moves the next return by `effect`."""
    random = np.random.default_rng(seed)
    rows = sessions * TICKERS
    features = {name: random.standard_normal(rows) for name in feature_names()}
    returns = 0.01 * (random.standard_normal(rows) + effect * features["sentiment_mean"])
    calendar = CALENDAR.head(sessions)
    day = pl.Series(np.repeat(np.arange(sessions), TICKERS))
    following = CALENDAR.slice(1, sessions)
    return pl.DataFrame(
        {
            "ticker": [f"T{at}" for at in range(TICKERS)] * sessions,
            "session_date": calendar["session_date"][day],
            "decision_at": calendar["decision_at"][day],
            "exit_at": following["close_at"][day],
            **features,
            "return_next_session": returns,
            "is_up": returns > 0,
        }
    )


@dataclass
class ModelHome:
    """Everything that the assets read and write, below `root`.

    Its pictures are empty unless it `draws`: to draw those of one chain takes a third of it.
    """

    root: Path
    as_of: datetime
    draws: bool = False
    tracking: InMemoryTracking = field(default_factory=InMemoryTracking)

    @property
    def lake(self) -> Lake:
        return Lake(self.root / "lake")

    @property
    def models(self) -> ModelStore:
        return ModelStore(self.root / "price")

    def copied(self, root: Path) -> ModelHome:
        """Return a home of its own with the same content."""
        shutil.copytree(self.root, root, dirs_exist_ok=True)
        return replace(self, root=root, draws=False, tracking=deepcopy(self.tracking))

    def fill(self, frame: pl.DataFrame, *, scored_by: str = "s1") -> None:
        """Let dbt have built the marts: labelled rows, features of all sessions, scores."""
        at = frame["decision_at"].min()
        scores = pl.DataFrame(
            {
                "text_hash": ["x"], "first_known_at": [at], "p_positive": 0.5, "p_negative": 0.2,
                "p_neutral": 0.3, "score": 0.3, "vader_score": 0.0, "is_truncated": False,
                "model_fingerprint": scored_by,
            }
        )  # fmt: skip
        self.lake.replace(SESSIONS, CALENDAR, [WHOLE])
        self.lake.replace(TEXT_SENTIMENT, scores, [f"{at:%Y-%m-01}"])
        labels = frame.select(
            "ticker", "session_date", "exit_at", "is_up", horizon=pl.lit("open_to_close"),
            **{"return": "return_next_session"},
        )  # fmt: skip
        longer = labels.with_columns(horizon=pl.lit("sessions_5"), is_up=~pl.col("is_up"))
        tables = {
            "fct_training_set": frame,
            "fct_daily_features": frame.select(
                "ticker", "session_date", "decision_at", *feature_names()
            ),
            "fct_labels": pl.concat([labels, longer]),
            "stg_text_sentiment": scores,
        }
        path = self.root / "finpulse.duckdb"
        path.unlink(missing_ok=True)
        with duckdb.connect(str(path)) as connection:
            for name, rows in tables.items():
                connection.register("given", rows.to_arrow())
                connection.execute(f"create table {name} as from given")

    def publish(self, market: pl.DataFrame, days: list[date]) -> None:
        """Let the champion have predicted after the close of each of `days`."""
        champion = self.models.promotion().champion
        model = self.models.load(champion.candidate_id)
        for day in days:
            signals = signals_of(
                model, market, CALENDAR, session_date=day, predicted_at=after(day),
                skills=champion.skills, model_version=champion.candidate_id,
            )  # fmt: skip
            self.lake.append(DAILY_SIGNALS, signals, [])

    def run(
        self,
        *assets: dg.AssetsDefinition,
        tags: dict[str, str] | None = None,
        months: tuple[str, str] | None = None,
    ) -> dg.ExecuteInProcessResult:
        """Materialize some of the assets in one run."""
        months = months or (f"{self.as_of:%Y-%m-01}",) * 2
        settings = Settings(
            home=self.root, folds=2, min_train_sessions=40, resamples=200, model_threads=1
        )
        resources = {
            "settings": settings,
            "lake": self.lake,
            "warehouse": Warehouse(self.root / "finpulse.duckdb"),
            "models": self.models,
            "tracking": self.tracking,
            "clock": RunClock(as_of=self.as_of, start_date=DAYS[0]),
            "io_manager": lake_io_manager(self.lake),
        }
        with nullcontext() if self.draws else empty_pictures():
            return dg.materialize(
                [*ASSETS, dg.AssetSpec(["raw", "sessions"])],
                selection=list(assets),
                resources=resources,
                tags=dict(zip(SPAN, months, strict=True)) | (tags or {}),
                raise_on_error=False,
            )


@contextmanager
def empty_pictures() -> Iterator[None]:
    """Let matplotlib lay out every figure and draw none of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("matplotlib.figure.Figure.savefig", lambda _self, out, **_: out.write(b""))
        yield


def after(day: date, *, hours: float = 0) -> datetime:
    """Return the decision time of a session, or some hours later."""
    decided = CALENDAR.filter(session_date=day)["decision_at"][0]
    return decided + timedelta(hours=hours)


def metadata(result: dg.ExecuteInProcessResult, asset: dg.AssetsDefinition) -> dict[str, object]:
    (event,) = result.asset_materializations_for_node(asset.key.to_python_identifier())
    return {name: value.value for name, value in event.metadata.items()}


def sentence(result: dg.ExecuteInProcessResult) -> str:
    """Return why the run failed."""
    (event,) = [event for event in result.all_events if event.is_step_failure]
    return sentence_of(event)
