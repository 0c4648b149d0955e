"""What one run of the whole graph leaves: the real command line on a small simulated market."""

from __future__ import annotations

import json
import math
import re
from datetime import UTC, date, datetime

import dagster as dg
import polars as pl
import pytest

from finpulse_assets.domain.models.ranking import RankingPlan
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.orchestration.catalog.metadata import LAKE_TABLES
from finpulse_assets.orchestration.run.clock import RunClock
from finpulse_assets.orchestration.run.partitions import first_month
from finpulse_assets.schemas import DAILY_SIGNALS, HEADLINES, PRICES, TEXT_SENTIMENT, TWEETS
from finpulse_assets.settings import load_settings
from tests.integration.graph_cli import SMALL, finpulse

LAST_SESSION, NEXT_SESSION = date(2024, 6, 28), date(2024, 7, 1)


@pytest.fixture
def lake(demo_home):
    return Lake(demo_home / "demo" / "lake")


def test_every_lake_asset_is_written_and_keeps_its_contract(lake):
    # What is published, what is made on request, and what no first run has: a prediction whose
    # target session has closed, an answer of the service.
    absent = ("serving/", "monitoring/", "models/device_comparison", "models/backtest")
    absent += ("predictions/outcomes", "predictions/ledger", "predictions/reported_outcomes",
               "predictions/answer_outcomes")  # fmt: skip
    for table in (t for t in LAKE_TABLES.values() if not t.name.startswith(absent)):
        frame = lake.scan(table).collect()
        assert table.enforce(frame).equals(frame.sort(table.key)), table.name


def test_the_report_and_the_evaluation_say_that_the_effect_is_planted(demo_home, demo_report):
    """Defect: the demo showed a skill that no real market gives, and did not say why."""
    assert "moves the next session by 0.6 deviations" in demo_report["planted"]
    with dg.DagsterInstance.from_config(str(demo_home / "dagster")) as instance:
        event = instance.get_latest_materialization_event(dg.AssetKey(["models", "evaluation"]))
    shown = event.asset_materialization.metadata["market"].value
    assert shown == demo_report["planted"]


def test_plots_come_first_on_the_page_of_an_asset(demo_home):
    """The UI shows metadata in the order in which an asset gives them."""
    with dg.DagsterInstance.from_config(str(demo_home / "dagster")) as instance:
        for name, plots in (("evaluation", 5), ("price_model", 1)):
            event = instance.get_latest_materialization_event(dg.AssetKey(["models", name]))
            shown = list(event.asset_materialization.metadata)
            assert all(key.startswith("plot_") for key in shown[:plots]), name
            assert not any(key.startswith("plot_") for key in shown[plots:]), name


def test_the_signals_are_for_the_next_session(demo_report, lake):
    assert demo_report["signals"], "someone has a signal"
    assert {row["session_date"] for row in demo_report["signals"]} == {str(LAST_SESSION)}
    assert {row["target_session_date"] for row in demo_report["signals"]} == {str(NEXT_SESSION)}
    signals = lake.scan(DAILY_SIGNALS).collect()
    assert set(signals["origin"]) == {"live"}
    assert signals["session_date"].unique().to_list() == [LAST_SESSION]
    ranks = [row["rank"] for row in demo_report["signals"]]
    assert ranks == list(range(1, len(ranks) + 1))


def test_no_text_counts_before_it_was_known(lake):
    sessions = lake.scan(LAKE_TABLES["raw/sessions"]).collect()
    for table in (TWEETS, HEADLINES):
        texts = lake.scan(table).collect().join(sessions, on="session_date")
        assert (texts["knowledge_time"] < texts["decision_at"]).all()
        assert (texts["knowledge_time"] >= texts["event_time"]).all()


def test_every_text_is_scored_once_by_one_model(lake):
    scores = lake.scan(TEXT_SENTIMENT).collect()
    assert scores["model_fingerprint"].n_unique() == 1
    texts = pl.concat(
        [lake.scan(table).select("text_hash").collect() for table in (TWEETS, HEADLINES)]
    )
    assert set(scores["text_hash"]) == set(texts["text_hash"])
    total = scores.select(pl.sum_horizontal("p_positive", "p_negative", "p_neutral"))
    assert total.to_series().is_between(0.99999, 1.00001).all()


def test_status_is_fresh_and_doctor_is_content(demo_home, demo_report):
    status = finpulse(demo_home, "status", "--json")
    assert status.returncode == 0, status.stdout
    told = json.loads(status.stdout)
    assert told["last_completed_session"] == str(LAST_SESSION)
    assert {t["table"]: t["state"] for t in told["tables"]}[PRICES.name] == "fresh"
    assert told["model"]["champion"] == demo_report["champion"]["candidate_id"]
    assert finpulse(demo_home, "doctor", "--json").returncode == 0


def test_status_of_a_later_day_is_stale(demo_home, demo_report):
    later = finpulse(demo_home, "status", settings={**SMALL, "FINPULSE_AS_OF": "2024-07-03"})
    assert later.returncode == 1
    assert "stale" in later.stdout


def test_no_metadata_holds_a_number_that_is_not_finite(demo_home, demo_report):
    with dg.DagsterInstance.from_config(str(demo_home / "dagster")) as instance:
        log = instance.all_logs(demo_report["run"]["run_id"])
    shown = []
    for event in (entry.dagster_event for entry in log if entry.dagster_event):
        if event.is_step_materialization:
            shown += event.step_materialization_data.materialization.metadata.values()
        elif event.event_type is dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            shown += event.asset_check_evaluation_data.metadata.values()
    assert len(shown) > 100
    for value in (it.value for it in shown):
        assert not isinstance(value, float) or math.isfinite(value)
        assert not re.search(r"(?<![\w-])-?(nan|inf|NaN|Infinity)\b", str(value)), value


def test_mlflow_knows_the_run_the_plots_and_the_aliases(demo_home, demo_report):
    import mlflow

    client = mlflow.MlflowClient(f"sqlite:///{demo_home / 'demo' / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("finpulse")
    runs = client.search_runs([experiment.experiment_id])
    assert {run.info.status for run in runs} == {"FINISHED"}
    first = next(r for r in runs if r.data.tags["dagster_run_id"] == demo_report["run"]["run_id"])
    accuracy = next(
        row["value"]
        for row in demo_report["scores"]
        if row["metric"] == "accuracy" and row["predictor"] == "ranking"
    )
    assert first.data.metrics["accuracy"] == pytest.approx(accuracy)
    leaves = first.data.params[f"{first.data.tags['candidate_id']}/num_leaves"]
    assert leaves == f"{RankingPlan().trees.num_leaves}"
    assert first.data.tags["verdict"] == demo_report["verdict"]
    assert first.info.run_name == f"signal_chain {demo_report['run']['run_id'][:8]} (demo)"
    names = {f.path for f in client.list_artifacts(first.info.run_id, "plots")}
    assert {"plots/ranking.png", "plots/accuracy.png", "plots/calibration.png"} <= names
    for alias in ("challenger", "champion"):
        version = client.get_model_version_by_alias("price_model", alias)
        assert len(version.tags["candidate_id"]) == 16


def test_the_ui_finds_the_run_under_its_job_and_every_month_made(demo_home):
    """Defect: the overview had no runs, and nine tenths of the months looked missing."""
    under = {".dagster/repository": "__repository__@finpulse"}  # what the UI's timeline asks for
    with dg.DagsterInstance.from_config(str(demo_home / "dagster")) as instance:
        (run,) = instance.get_runs(dg.RunsFilter(tags=under))
        made = instance.get_materialized_partitions(dg.AssetKey(["raw", "tweets"]))
    assert run.remote_job_origin.location_name == "finpulse", "the timeline groups runs by it"
    assert (run.job_name, run.status) == ("signal_chain", dg.DagsterRunStatus.SUCCESS)
    settings = load_settings(home=demo_home)
    decided = datetime(2024, 6, 28, 20, 15, tzinfo=UTC)
    assert made == set(RunClock(decided, date.fromisoformat(first_month(settings))).months)
