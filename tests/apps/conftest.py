"""What the tests of the dashboard share: a published snapshot, and pages run without a browser."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import polars as pl
import pytest
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from apps.dashboard import app_folder
from finpulse_assets.gateways.serving.dashboard_environment import ROOT, RUNBOOKS, SERVICE
from finpulse_assets.gateways.snapshot.reader import SnapshotReader
from finpulse_assets.gateways.snapshot.store import SnapshotStore
from tests.fakes.published import publish

Ask = Callable[..., pl.DataFrame]
VIEWS = app_folder() / "views"
NOWHERE = "http://127.0.0.1:9"  # nothing listens on the port of discard
# Each page that is run reads what every installed package says of itself, for half a second.
manifest_scanner.scan_component_manifests = cache(manifest_scanner.scan_component_manifests)


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a profile with a snapshot of eight tickers; only read it."""
    root = tmp_path_factory.mktemp("published") / "demo"
    publish(root)
    return root


@pytest.fixture(scope="session")
def ask(published: Path) -> Ask:
    opened = SnapshotReader(SnapshotStore(published).current).opened()
    return lambda sql, **parameters: opened.frame(sql, parameters)


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch, published: Path) -> Callable[..., AppTest]:
    """Return a function that runs a page by its name, on the published snapshot by default."""

    def run(name: str, root: Path = published) -> AppTest:
        monkeypatch.setenv(ROOT, str(root))
        monkeypatch.setenv(SERVICE, NOWHERE)
        monkeypatch.setenv(RUNBOOKS, "https://runbooks.example")
        return AppTest.from_file(str(VIEWS / f"{name}.py"), default_timeout=60).run()

    return run
