"""Every query of the cookbook has something to show on the demo that a reader has just run."""

from __future__ import annotations

import shutil
from datetime import datetime

import dagster as dg
import pytest

from finpulse_assets.defs.monitoring.assets import DriftConfig, feature_drift
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.models.model_store import ModelStore
from finpulse_assets.gateways.snapshot.reader import SnapshotReader
from finpulse_assets.gateways.warehouse.reader import Warehouse
from finpulse_assets.schemas import DAILY_SIGNALS, FEATURE_DRIFT, OUT_OF_SAMPLE
from finpulse_assets.settings import load_settings
from tests.integration.snapshot_home import SnapshotHome
from tests.integration.test_analytics_snapshot import RECIPES


@pytest.fixture(scope="module")
def reader(demo_home, demo_report, tmp_path_factory) -> SnapshotReader:
    """The snapshot of the finished demo, with the drift that its run without reports left out."""
    root = tmp_path_factory.mktemp("cookbook") / "demo"
    for name in ("lake", "models/price"):
        shutil.copytree(demo_home / "demo" / name, root / name)
    shutil.copy(demo_home / "demo" / "finpulse.duckdb", root)
    lake = Lake(root / "lake")
    drift = feature_drift(
        context=dg.build_asset_context(),
        config=DriftConfig(),
        signals=lake.scan(DAILY_SIGNALS),
        predictions=lake.scan(OUT_OF_SAMPLE),
        warehouse=Warehouse(root / "finpulse.duckdb"),
        models=ModelStore(root / "models" / "price"),
        lake=lake,
        settings=load_settings(home=root.parent, publish=False),
    )
    lake.replace(FEATURE_DRIFT, drift.value, ["all"])
    as_of = datetime.fromisoformat(demo_report["run"]["as_of"])
    return SnapshotReader(SnapshotHome(root).publish(as_of=as_of).path)


@pytest.mark.parametrize(("number", "title", "sql"), [recipe[:3] for recipe in RECIPES])
def test_a_recipe_shows_something_on_the_demo(reader, number, title, sql):
    assert reader.query(sql).rows, f"{number}. {title}"
