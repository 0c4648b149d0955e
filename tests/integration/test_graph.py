"""The whole graph, run by the real command line on a small simulated market."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import polars as pl
import pytest

from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.warehouse.reader import Warehouse
from finpulse_assets.orchestration.audit.feature_replay import FeatureReplay, table_as_of
from finpulse_assets.orchestration.catalog.metadata import LAKE_TABLES
from finpulse_assets.schemas import (
    CORPORATE_ACTIONS,
    DAILY_SIGNALS,
    HEADLINES,
    PRICES,
    TEXT_SENTIMENT,
    TWEETS,
)
from finpulse_assets.settings import load_settings
from tests.integration.graph_cli import SMALL, demo_json, finpulse, table_hashes

# A market in which the answer is known: enough predictions that a strong effect cannot hide.
ORACLE = {**SMALL, "FINPULSE_SIMULATOR_TICKERS": "12", "FINPULSE_SIMULATOR_SESSIONS": "260"}
LAST_SESSION, NEXT_SESSION = date(2024, 6, 28), date(2024, 7, 1)


KEPT = ("fct_training_set", "fct_daily_features", "fct_daily_sentiment", "fct_labels")


def assert_same_bytes(found: dict[str, pl.DataFrame], expected, folder) -> None:
    for name, frame in found.items():
        assert frame.equals(expected[name]), name
        paths = [folder / "found.parquet", folder / "expected.parquet"]
        for path, rows in zip(paths, (frame, expected[name]), strict=True):
            rows.write_parquet(path)
        assert paths[0].read_bytes() == paths[1].read_bytes(), name


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("graph")


@pytest.fixture(scope="module")
def report(home):
    return demo_json(home)


@pytest.fixture(scope="module")
def lake(home, report):
    return Lake(home / "demo" / "lake")


def test_every_lake_asset_is_written_and_keeps_its_contract(lake):
    published = ("serving/", "monitoring/")
    for table in (t for t in LAKE_TABLES.values() if not t.name.startswith(published)):
        frame = lake.scan(table).collect()
        assert table.enforce(frame).equals(frame.sort(table.key)), table.name


def test_the_signals_are_for_the_next_session(report, lake):
    assert report["signals"], "someone has a signal"
    assert {row["session_date"] for row in report["signals"]} == {str(LAST_SESSION)}
    assert {row["target_session_date"] for row in report["signals"]} == {str(NEXT_SESSION)}
    signals = lake.scan(DAILY_SIGNALS).collect()
    assert set(signals["origin"]) == {"live", "walk_forward"}
    assert signals.filter(pl.col("origin") == "live")["session_date"].unique().to_list() == [
        LAST_SESSION
    ]
    assert [row["rank"] for row in report["signals"]] == list(range(1, len(report["signals"]) + 1))


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


def test_the_second_run_changes_nothing_and_makes_no_forward_pass(home, report):
    root = home / "demo"
    before = table_hashes(root)
    written = {path: path.stat().st_mtime_ns for path in (root / "lake").rglob("*.parquet")}
    score_files = set(root.rglob("models/scores/*/*.parquet"))
    again = demo_json(home)
    assert table_hashes(root) == before
    assert {p: p.stat().st_mtime_ns for p in written} == written, "no file was written again"
    assert set(root.rglob("models/scores/*/*.parquet")) == score_files
    assert again["signals"] == report["signals"]


def test_status_is_fresh_and_doctor_is_content(home, report):
    status = finpulse(home, "status", "--json")
    assert status.returncode == 0, status.stdout
    told = json.loads(status.stdout)
    assert told["last_completed_session"] == str(LAST_SESSION)
    assert {t["table"]: t["state"] for t in told["tables"]}[PRICES.name] == "fresh"
    assert told["model"]["champion"] == report["champion"]["candidate_id"]
    assert finpulse(home, "doctor", "--json").returncode == 0


def test_status_of_a_later_day_is_stale(home, report):
    later = finpulse(home, "status", settings={**SMALL, "FINPULSE_AS_OF": "2024-07-03"})
    assert later.returncode == 1
    assert "stale" in later.stdout


def test_a_later_run_leaves_what_was_said(home, report, lake):
    """Runs after the others of this file: it moves the market three sessions on."""
    warehouse = Warehouse(home / "demo" / "finpulse.duckdb")
    for name in KEPT:
        rows = warehouse.query(f"from {name} order by ticker, session_date")
        rows.write_parquet(home / f"{name}.parquet")
    before = {t.name: lake.scan(t).collect() for t in (TWEETS, PRICES)}
    said = lake.scan(DAILY_SIGNALS).filter(pl.col("origin") == "live").collect()
    demo_json(home, {**SMALL, "FINPULSE_AS_OF": "2024-07-03"})
    for name, frame in before.items():
        table = LAKE_TABLES[name]
        now = lake.scan(table).filter(pl.col("knowledge_time") <= frame["knowledge_time"].max())
        assert now.collect().sort(table.key).equals(frame.sort(table.key)), name
    live = lake.scan(DAILY_SIGNALS).filter(pl.col("origin") == "live").collect()
    assert live.filter(pl.col("session_date") == LAST_SESSION).equals(said)
    assert live["session_date"].unique().sort().to_list() == [LAST_SESSION, date(2024, 7, 3)]


def test_what_was_known_comes_back_to_the_byte(home, report, lake, tmp_path):
    """Runs after the market has moved on, and adds a late text, a correction and a late split."""
    root = home / "demo"
    settings = load_settings(home=home)
    first_as_of = datetime(2024, 6, 28, 20, 15, tzinfo=UTC)
    replay = FeatureReplay.of(settings)
    then = {name: pl.read_parquet(home / f"{name}.parquet") for name in KEPT}

    def today() -> dict[str, pl.DataFrame]:
        return {name: table_as_of(lake, replay, name, first_as_of) for name in KEPT}

    assert_same_bytes(today(), then, tmp_path)
    came = datetime(2024, 7, 2, 15, 0, tzinfo=UTC)
    price = lake.scan(PRICES).filter(pl.col("session_date") == date(2024, 6, 20)).collect()[:1]
    action = {
        "ticker": price["ticker"], "ex_date": [date(2024, 6, 20)], "kind": ["split"],
        "value": [2.0], "event_time": price["event_time"], "knowledge_time": [came],
        "source": ["test"],
    }  # fmt: skip
    tweet = lake.scan(TWEETS).filter(pl.col("session_date") == date(2024, 6, 20)).collect()[:1]
    text = {"text_id": pl.lit("late"), "knowledge_time": came, "session_date": date(2024, 7, 2)}
    july = ["2024-07-01"]
    lake.append(PRICES, price.with_columns(close=pl.col("close") * 2, knowledge_time=came), july)
    lake.append(CORPORATE_ACTIONS, pl.DataFrame(action), july)
    lake.append(TWEETS, tweet.with_columns(**text), july)
    assert_same_bytes(today(), then, tmp_path)
    # They do count for those who look later.
    day = pl.col("session_date") == date(2024, 7, 2)
    after = datetime(2024, 7, 3, 23, 0, tzinfo=UTC)
    now = table_as_of(lake, replay, "fct_daily_features", after).filter(day)
    before = Warehouse(root / "finpulse.duckdb").query("from fct_daily_features").filter(day)
    assert now.filter(ticker=price["ticker"][0])["bars_since_event"].null_count() in (0, 1)
    assert not now.select(before.columns).equals(before.sort("ticker"))


@pytest.mark.parametrize(("effect", "verdict"), [("2.0", "skill"), ("0", "no skill")])
def test_the_oracle(tmp_path, effect, verdict):
    """A strong planted effect is found with its interval above all baselines; none is not."""
    told = demo_json(tmp_path, {**ORACLE, "FINPULSE_SIMULATOR_EFFECT": effect})
    assert told["verdict"] == verdict, told["reason"]
    assert told["champion"]["is_proven"] == (verdict == "skill")
    accuracy = {row["predictor"]: row for row in told["scores"] if row["metric"] == "accuracy"}
    best = max(row["value"] for name, row in accuracy.items() if name != "candidate")
    assert (accuracy["candidate"]["lower"] > best) == (verdict == "skill")
    assert {row["is_proven"] for row in told["signals"]} == {verdict == "skill"}


def test_mlflow_knows_the_run_the_plots_and_the_aliases(home, report):
    import mlflow

    client = mlflow.MlflowClient(f"sqlite:///{home / 'demo' / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("finpulse")
    runs = client.search_runs([experiment.experiment_id])
    assert {run.info.status for run in runs} == {"FINISHED"}
    first = next(r for r in runs if r.data.tags["dagster_run_id"] == report["run"]["run_id"])
    accuracy = next(
        row["value"]
        for row in report["scores"]
        if row["metric"] == "accuracy" and row["predictor"] == "candidate"
    )
    assert first.data.metrics["accuracy"] == pytest.approx(accuracy)
    assert first.data.params["num_threads"] == SMALL["FINPULSE_MODEL_THREADS"]
    assert first.data.tags["verdict"] == report["verdict"]
    names = {f.path for f in client.list_artifacts(first.info.run_id, "plots")}
    assert {"plots/accuracy.png", "plots/calibration.png"} <= names
    for alias in ("challenger", "champion"):
        version = client.get_model_version_by_alias("price_model", alias)
        assert len(version.tags["candidate_id"]) == 16
