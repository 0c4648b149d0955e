"""A profile folder with a small lake, marts that dbt built of it, and signals on top."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
from small_lake import write_lake
from test_dbt_project import run_dbt

from finpulse_assets.domain.predictions.signals import LIVE, past_signals
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.snapshot.store import Published, SnapshotStore
from finpulse_assets.orchestration.catalog.data_dictionary import dbt_entries, dbt_manifest
from finpulse_assets.orchestration.catalog.snapshot_contents import as_of_macros, snapshot_tables
from finpulse_assets.schemas import DAILY_SIGNALS, EVALUATION, OUT_OF_SAMPLE

AS_OF = datetime(2026, 2, 28, 23, tzinfo=UTC)  # after the last of 40 sessions
SPEAKER = {"is_proven": True, "model_version": "m1"}


@dataclass(frozen=True)
class SnapshotHome:
    """The folder `root` of one profile, as a run leaves it before it publishes."""

    root: Path

    @property
    def warehouse(self) -> Path:
        return self.root / "finpulse.duckdb"

    def publish(self, *, as_of: datetime = AS_OF) -> Published:
        tables = snapshot_tables(
            Lake(self.root / "lake"), dbt_entries(dbt_manifest(), folder="marts"), as_of=as_of
        )
        store = SnapshotStore(self.root)
        return store.publish(tables, as_of_macros(), as_of=as_of, warehouse=self.warehouse)


def build_home(root: Path) -> SnapshotHome:
    home, lake = SnapshotHome(root), Lake(root / "lake")
    tables = write_lake(lake.root, with_texts=True)
    built = run_dbt("run", lake=lake.root, warehouse=home.warehouse)
    predictions = out_of_sample(built.fct_labels)
    lake.replace(OUT_OF_SAMPLE, predictions, ["all"])
    lake.replace(EVALUATION, evaluation(), ["all"])
    signals = past_signals(predictions, tables.sessions, **SPEAKER).with_columns(
        origin=pl.when(pl.col("session_date") == pl.col("session_date").max())
        .then(pl.lit(LIVE))
        .otherwise("origin")
    )
    lake.replace(DAILY_SIGNALS, signals, ["2026-01-01", "2026-02-01"])
    return home


def out_of_sample(labels: pl.DataFrame) -> pl.DataFrame:
    """Return predictions that are right, less sure without texts."""
    outcome = pl.col("return_next_session")
    return OUT_OF_SAMPLE.enforce(
        labels.select(
            "ticker", "session_date", "is_up", "return_next_session",
            fold=pl.lit(0), probability_up=0.5 + outcome,
            probability_up_without_text=0.5 - outcome, expected_return=outcome,
        )
    )  # fmt: skip


def evaluation() -> pl.DataFrame:
    return EVALUATION.enforce(
        pl.DataFrame(
            {"candidate_id": "m1", "predictor": "candidate", "fold": "all", "metric": "accuracy",
             "value": 1.0, "lower": 1.0, "upper": 1.0, "row_count": 200, "session_count": 39}
        )
    )  # fmt: skip
