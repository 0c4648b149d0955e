"""A profile folder with a small lake, marts that dbt built of it, and signals on top."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from finpulse_assets.domain.predictions.outcomes import matured
from finpulse_assets.domain.predictions.signals import LATE, LIVE
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.snapshot.store import Published, SnapshotStore
from finpulse_assets.orchestration.catalog.data_dictionary import dbt_entries, dbt_manifest
from finpulse_assets.orchestration.catalog.snapshot_contents import as_of_macros, snapshot_tables
from finpulse_assets.schemas import DAILY_SIGNALS, EVALUATION, OUT_OF_SAMPLE, OUTCOMES
from tests.integration.small_lake import write_lake
from tests.integration.test_dbt_project import run_dbt

AS_OF = datetime(2026, 2, 28, 23, tzinfo=UTC)  # after the last of 40 sessions


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
    signals = versions(predictions, tables.sessions)
    lake.replace(DAILY_SIGNALS, signals, ["2026-01-01", "2026-02-01"])
    lake.replace(OUTCOMES, matured(signals, built.fct_labels), ["2026-01-01", "2026-02-01"])
    return home


def out_of_sample(labels: pl.DataFrame) -> pl.DataFrame:
    """Return predictions that are right, and of the model without texts wrong ones."""
    outcome = pl.col("return_next_session")
    both = {"lightgbm": outcome, "lightgbm_without_text": -outcome}
    return OUT_OF_SAMPLE.enforce(
        pl.concat(
            labels.select(
                "ticker", "session_date", "is_up", "return_next_session",
                candidate=pl.lit(name), candidate_id=pl.lit("m1"), horizon_sessions=pl.lit(1),
                fold=pl.lit(0), probability_up=0.5 + lead, score=0.5 + lead,
                predicts_up=lead >= 0, expected_return=lead,
            )
            for name, lead in both.items()
        )
    )  # fmt: skip


def versions(predictions: pl.DataFrame, sessions: pl.DataFrame) -> pl.DataFrame:
    """Return signals of LightGBM: live at the decision, again two hours later, late in January."""
    calendar = sessions.select(
        "session_date", "decision_at", target_session_date="next_session_date"
    )
    is_january = pl.col("session_date").dt.month() == 1
    first = (
        predictions.filter(candidate="lightgbm")
        .join(calendar, on="session_date")
        .select(
            "ticker", "session_date", "decision_at", "target_session_date", "probability_up",
            "expected_return", predicted_at="decision_at",
            probability_lower=pl.lit(None), probability_upper=pl.lit(None),
            origin=pl.when(is_january).then(pl.lit(LATE)).otherwise(pl.lit(LIVE)),
            rank=pl.col("probability_up").rank("ordinal", descending=True).over("session_date"),
            reasons=pl.lit("none"), is_proven=pl.lit(True), model_version=pl.lit("m1"),
        )
    )  # fmt: skip
    later = pl.col("predicted_at") + pl.duration(hours=2)
    second = first.with_columns(predicted_at=later, model_version=pl.lit("m2"))
    return DAILY_SIGNALS.enforce(pl.concat([first, second]))


def evaluation() -> pl.DataFrame:
    return EVALUATION.enforce(
        pl.DataFrame(
            {"candidate": "lightgbm", "candidate_id": "m1", "predictor": "lightgbm", "fold": "all",
             "metric": "accuracy", "value": 1.0, "lower": 1.0, "upper": 1.0, "row_count": 200,
             "session_count": 39}
        )
    )  # fmt: skip
