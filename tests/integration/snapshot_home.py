"""A profile folder with a small lake, marts that dbt built of it, and signals on top."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from finpulse_assets.domain.predictions.outcomes import matured
from finpulse_assets.domain.predictions.signals import LATE, LIVE
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.models.model_store import ModelStore
from finpulse_assets.gateways.snapshot.store import Published, SnapshotStore
from finpulse_assets.orchestration.catalog.data_dictionary import dbt_entries, dbt_manifest
from finpulse_assets.orchestration.catalog.snapshot_contents import snapshot_tables
from finpulse_assets.orchestration.catalog.snapshot_macros import as_of_macros
from finpulse_assets.schemas import (
    BARS_1M,
    CORPORATE_ACTIONS,
    DAILY_SIGNALS,
    EVALUATION,
    FEATURE_DRIFT,
    OUT_OF_SAMPLE,
    OUTCOMES,
    QUARANTINE,
    requests_table,
)
from tests.fakes import serving as fakes
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

    @property
    def models(self) -> ModelStore:
        return ModelStore(self.root / "models" / "price")

    def publish(self, *, as_of: datetime = AS_OF) -> Published:
        tables = snapshot_tables(
            Lake(self.root / "lake"), dbt_entries(dbt_manifest(), folder="marts"), self.models,
            as_of=as_of,
        )  # fmt: skip
        store = SnapshotStore(self.root)
        return store.publish(tables, as_of_macros(), as_of=as_of, warehouse=self.warehouse)


def build_home(root: Path) -> SnapshotHome:
    home, lake = SnapshotHome(root), Lake(root / "lake")
    tables = write_lake(lake.root, with_texts=True)
    lake.replace(CORPORATE_ACTIONS, split(), ["2026-01-01"])
    built = run_dbt("run", lake=lake.root, warehouse=home.warehouse)
    labels = built.fct_labels.filter(horizon="open_to_close").rename(
        {"return": "return_next_session"}
    )
    predictions = out_of_sample(labels)
    lake.replace(OUT_OF_SAMPLE, predictions, ["all"])
    lake.replace(EVALUATION, evaluation(), ["all"])
    signals = versions(predictions, tables.sessions)
    lake.replace(DAILY_SIGNALS, signals, ["2026-01-01", "2026-02-01"])
    lake.replace(OUTCOMES, matured(signals, labels), ["2026-01-01", "2026-02-01"])
    lake.replace(BARS_1M, minutes(tables.sessions), ["2026-01-01", "2026-02-01"])
    lake.replace(FEATURE_DRIFT, drift(tables.sessions), ["all"])
    lake.replace(requests_table("wire"), requests(), ["2026-02-01"])
    lake.replace(replace(QUARANTINE, name="quarantine/wire/tweets"), refused(), ["all"])
    promote(home.models)
    return home


def promote(models: ModelStore) -> None:
    """Leave two decisions: a candidate without a model, then the model that predicts."""
    models.save(fakes.model())
    for candidate_id, day in (("older", 10), (fakes.model().candidate_id, 20)):
        decision = replace(
            fakes.promotion(candidate_id=candidate_id),
            decided_at=datetime(2026, 2, day, 21, 15, tzinfo=UTC),
        )
        models.decide(lambda _, made=decision: made)


def split() -> pl.DataFrame:
    """Return a split of TSLA, two for one, in the eleventh session."""
    at = datetime(2026, 1, 20, 14, 30, tzinfo=UTC)
    row = {"ticker": "TSLA", "ex_date": at.date(), "kind": "split", "value": 2.0, "event_time": at,
           "knowledge_time": at, "source": "test"}  # fmt: skip
    return CORPORATE_ACTIONS.enforce(pl.DataFrame([row]))


def minutes(sessions: pl.DataFrame) -> pl.DataFrame:
    """Return two minute bars of AAPL in each session, the second one up by a dollar."""
    bars = sessions.select(
        "session_date", pl.lit("AAPL").alias("ticker"), pl.lit("test").alias("source"),
        pl.lit("unadjusted").alias("price_basis"), minute=[0, 1], bar_at="open_at",
    ).explode("minute")  # fmt: skip
    at = pl.col("bar_at") + pl.duration(minutes="minute")
    price = 100.0 + pl.col("minute")
    prices = {name: price for name in ("open", "high", "low", "close")}
    quotes = {"bid": price - 0.01, "ask": price + 0.01, "bid_size": 100.0, "ask_size": 200.0}
    return BARS_1M.enforce(
        bars.with_columns(
            bar_at=at, known_at=at + pl.duration(minutes=1), volume=50.0, **prices, **quotes
        ).drop("minute")
    )


def drift(sessions: pl.DataFrame) -> pl.DataFrame:
    """Return the report of the last session: text_count has moved, rsi_14 has not."""
    rows = [("text_count", "text", 0.4, True), ("rsi_14", "technical", 0.1, False),
            ("all", "all", 0.5, True)]  # fmt: skip
    days = sessions["session_date"]
    made = pl.DataFrame(rows, schema=["feature", "kind", "value", "is_drifted"], orient="row")
    return FEATURE_DRIFT.enforce(
        made.with_columns(
            session_date=days[-1],
            limit=0.25,
            ks=0.1,
            recent_rows=100,
            reference_rows=500,
            reference_from=days[0],
            reference_to=days[9],
            model_version=pl.lit("m1"),
        )
    )


def out_of_sample(labels: pl.DataFrame) -> pl.DataFrame:
    """Return predictions that are right, and of the model without texts wrong ones."""
    outcome = pl.col("return_next_session")
    both = {"ranking": outcome, "ranking_without_text": -outcome}
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
        predictions.filter(candidate="ranking")
        .join(calendar, on="session_date")
        .select(
            "ticker", "session_date", "decision_at", "target_session_date", "probability_up",
            "expected_return", predicted_at="decision_at",
            probability_lower=pl.lit(None), probability_upper=pl.lit(None),
            return_lower=pl.lit(None), return_upper=pl.lit(None), abstain_reason=pl.lit(None),
            return_p10=pl.lit(None), return_p50=pl.lit(None), return_p90=pl.lit(None),
            expected_sentiment=pl.lit(None),
            origin=pl.when(is_january).then(pl.lit(LATE)).otherwise(pl.lit(LIVE)),
            rank=pl.col("probability_up").rank("ordinal", descending=True).over("session_date"),
            reasons=pl.lit("none"), is_proven=pl.lit(True), skills=pl.lit("ranking"),
            model_version=pl.lit("m1"),
        )
    )  # fmt: skip
    later = pl.col("predicted_at") + pl.duration(hours=2)
    second = first.with_columns(predicted_at=later, model_version=pl.lit("m2"))
    return DAILY_SIGNALS.enforce(pl.concat([first, second]))


def evaluation() -> pl.DataFrame:
    return EVALUATION.enforce(
        pl.DataFrame(
            {"candidate": "ranking", "candidate_id": "m1", "predictor": "ranking", "fold": "all",
             "metric": "accuracy", "value": 1.0, "lower": 1.0, "upper": 1.0, "row_count": 200,
             "session_count": 39, "lower_corrected": 1.0, "claims": 4, "cost_bps": 10.0}
        )
    )  # fmt: skip


def requests() -> pl.DataFrame:
    """One request to the source `wire` before the snapshot's time, one after it."""
    times = [AS_OF, AS_OF + timedelta(hours=1)]
    return requests_table("wire").enforce(
        pl.DataFrame({"requested_at": times}).with_columns(
            kind=pl.lit("tweets"), asked_from=pl.lit(AS_OF - timedelta(days=1)),
            asked_until="requested_at", status=pl.lit("answered"), delivered_rows=pl.lit(7),
            new_rows=pl.lit(6), late_rows=pl.lit(2), refused_rows=pl.lit(1), problem=pl.lit(None),
        )
    )  # fmt: skip


def refused() -> pl.DataFrame:
    return QUARANTINE.enforce(
        pl.DataFrame(
            {"row_hash": "ab", "reason": "the time lies ahead", "row_json": "{}",
             "first_seen_at": AS_OF}
        )
    )  # fmt: skip
