"""What the tests of the whole platform share: the fork server, a sentiment model, a finished demo.

Fixtures of the session are made once for all workers; whoever needs one meanwhile waits for it.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.integration.graph_cli import (
    SERVER,
    demo_json,
    give_sentiment_model,
    made_once,
    train_sentiment_model,
)


def pytest_sessionfinish() -> None:
    SERVER.stop()


@pytest.fixture(scope="session")
def trained_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the trained sentiment model; copy it, never write to it."""
    return made_once(tmp_path_factory, "sentiment", train_sentiment_model)


@pytest.fixture
def new_home(tmp_path: Path, trained_model: Path) -> Path:
    """A home that holds the sentiment model and nothing else."""
    return give_sentiment_model(trained_model, tmp_path)


@pytest.fixture(scope="session")
def demo_home(tmp_path_factory: pytest.TempPathFactory, trained_model: Path) -> Path:
    """The home of a finished `finpulse demo`, its report in `report.json`; only read it."""

    def make(folder: Path) -> None:
        report = demo_json(give_sentiment_model(trained_model, folder))
        (folder / "report.json").write_text(json.dumps(report))

    return made_once(tmp_path_factory, "demo", make)


@pytest.fixture(scope="session")
def demo_report(demo_home: Path) -> dict[str, object]:
    return json.loads((demo_home / "report.json").read_text())
