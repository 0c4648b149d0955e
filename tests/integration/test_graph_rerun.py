"""Runs of the whole graph on a home that has had one: nothing new, and three sessions later."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime

import polars as pl
import pytest

from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.warehouse.reader import Warehouse
from finpulse_assets.orchestration.audit.feature_replay import FeatureReplay, table_as_of
from finpulse_assets.orchestration.catalog.metadata import LAKE_TABLES
from finpulse_assets.schemas import CORPORATE_ACTIONS, DAILY_SIGNALS, PRICES, TWEETS
from finpulse_assets.settings import load_settings
from tests.integration.graph_cli import SMALL, demo_json, finpulse, table_hashes
from tests.integration.part_of_graph import MODELS, run_groups

LAST_SESSION = date(2024, 6, 28)
KEPT = ("fct_training_set", "fct_daily_features", "fct_daily_sentiment", "fct_labels")


def assert_same_bytes(found: dict[str, pl.DataFrame], expected, folder) -> None:
    for name, frame in found.items():
        assert frame.equals(expected[name]), name
        paths = [folder / "found.parquet", folder / "expected.parquet"]
        for path, rows in zip(paths, (frame, expected[name]), strict=True):
            rows.write_parquet(path)
        assert paths[0].read_bytes() == paths[1].read_bytes(), name


@pytest.fixture(scope="module")
def home(tmp_path_factory, demo_home):
    """A copy of the finished demo that these tests may write to, one after the other."""
    return shutil.copytree(demo_home, tmp_path_factory.mktemp("again") / "home")


@pytest.fixture(scope="module")
def lake(home):
    return Lake(home / "demo" / "lake")


def test_the_second_run_changes_nothing_and_makes_no_forward_pass(home, demo_report):
    root = home / "demo"
    before = table_hashes(root)
    files = [path for path in (root / "lake").rglob("*.parquet") if path.parent.name != "requests"]
    written = {path: path.stat().st_mtime_ns for path in files}
    scores = {path: path.read_bytes() for path in root.glob("models/scores/**/*.sqlite")}
    assert scores, "texts were scored"
    again = demo_json(home)
    assert table_hashes(root) == before
    assert {p: p.stat().st_mtime_ns for p in written} == written, "no file was written again"
    assert {path: path.read_bytes() for path in scores} == scores, "no text was scored again"
    assert again["signals"] == demo_report["signals"]


def test_a_third_run_makes_nothing_again(home):
    """The second one did: it was the first of this folder, a copy."""
    unchanged = {"features/technical", "warehouse", "models/price_model", "models/evaluation"}
    third = finpulse(home, "demo", "--json")
    assert {
        line.split()[1] for line in third.stderr.splitlines() if "unchanged" in line
    } > unchanged
    assert third.returncode == 0


def test_an_mlflow_server_that_is_not_there(home):
    """Runs after the second run, which has built the warehouse of this folder."""
    nowhere = {"FINPULSE_MLFLOW_TRACKING_URI": "http://127.0.0.1:9"}
    settings = {**SMALL, **nowhere, "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
    done = run_groups(home, *MODELS, settings=settings)
    assert done.returncode == 1
    said = done.stderr.splitlines()[-1]
    assert "MLflow at http://127.0.0.1:9 failed" in said
    assert "FINPULSE_MLFLOW_TRACKING_URI" in said


def test_a_later_run_leaves_what_was_said(home, lake):
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


def test_what_was_known_comes_back_to_the_byte(home, lake, tmp_path):
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
