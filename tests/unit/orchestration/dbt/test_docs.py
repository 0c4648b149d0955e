"""The dbt docs page: made when the project changed, kept when it did not."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from finpulse_assets.errors import WarehouseError
from finpulse_assets.orchestration.dbt import docs as dbt_docs
from finpulse_assets.orchestration.dbt.docs import project_hash, publish_dbt_docs
from finpulse_assets.orchestration.dbt.project import PROJECT_DIR


@dataclass
class FakeDbt:
    """Writes the page as dbt does, or fails."""

    target: Path
    pages: int = 0
    fails: bool = False

    def write_docs(self) -> None:
        if self.fails:
            raise WarehouseError("dbt failed: no")
        self.pages += 1
        self.target.mkdir(exist_ok=True)
        (self.target / "static_index.html").write_text(f"page {self.pages}")


@pytest.fixture
def page(tmp_path) -> Path:
    return tmp_path / "dbt_docs" / "index.html"


@pytest.fixture
def dbt(tmp_path) -> FakeDbt:
    return FakeDbt(tmp_path / "target")


def test_a_page_is_made_once_for_one_state_of_the_project(dbt, page, monkeypatch):
    assert publish_dbt_docs(dbt, page)
    assert not publish_dbt_docs(dbt, page)
    assert dbt.pages == 1
    monkeypatch.setattr(dbt_docs, "project_hash", lambda: "another")
    assert publish_dbt_docs(dbt, page)
    assert page.read_text() == "page 2"
    page.unlink()
    assert publish_dbt_docs(dbt, page)


def test_a_failure_of_dbt_leaves_the_old_page(dbt, page, monkeypatch):
    publish_dbt_docs(dbt, page)
    monkeypatch.setattr(dbt_docs, "project_hash", lambda: "another")
    dbt.fails = True
    with pytest.raises(WarehouseError, match="dbt failed"):
        publish_dbt_docs(dbt, page)
    assert page.read_text() == "page 1"


@pytest.mark.parametrize("name", ["dbt_project.yml", "macros/as_of.sql",
                                  "models/marts/fct_labels.yml", "models/overview.md"])  # fmt: skip
def test_the_hash_follows_every_source_and_nothing_else(tmp_path, name):
    copy = tmp_path / "project"
    shutil.copytree(PROJECT_DIR, copy, ignore=shutil.ignore_patterns("target", "logs"))
    before = project_hash(copy)
    assert before == project_hash()
    (copy / "target").mkdir()
    (copy / "target" / "manifest.json").write_text("{}")
    assert project_hash(copy) == before
    (copy / name).write_text((copy / name).read_text() + "\n# changed")
    assert project_hash(copy) != before
