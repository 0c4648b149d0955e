"""The dbt docs page: made when the project changed, kept when it did not."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from finpulse_assets.errors import WarehouseError
from finpulse_assets.orchestration.dbt import docs as dbt_docs
from finpulse_assets.orchestration.dbt.docs import project_hash, publish_dbt_docs
from finpulse_assets.orchestration.dbt.project import PROJECT_DIR


class FakeDbt:
    """Writes the page as dbt does, or fails."""

    def __init__(self, *, succeeds: bool = True) -> None:
        self.succeeds, self.calls = succeeds, []

    def cli(self, arguments: list[str], *, target_path: Path, raise_on_error: bool):
        self.calls.append(arguments)
        assert not raise_on_error
        target_path.mkdir(exist_ok=True)
        if self.succeeds:
            (target_path / "static_index.html").write_text(f"page {len(self.calls)}")
        return SimpleNamespace(is_successful=lambda: self.succeeds)


@pytest.fixture
def page(tmp_path) -> Path:
    return tmp_path / "dbt_docs" / "index.html"


def test_a_page_is_made_once_for_one_state_of_the_project(page, tmp_path, monkeypatch):
    dbt = FakeDbt()
    assert publish_dbt_docs(dbt, page, target=tmp_path / "target")
    assert not publish_dbt_docs(dbt, page, target=tmp_path / "target")
    assert dbt.calls == [["docs", "generate", "--static"]]
    monkeypatch.setattr(dbt_docs, "project_hash", lambda: "another")
    assert publish_dbt_docs(dbt, page, target=tmp_path / "target")
    assert page.read_text() == "page 2"
    page.unlink()
    assert publish_dbt_docs(dbt, page, target=tmp_path / "target")


def test_a_failure_of_dbt_leaves_the_old_page(page, tmp_path, monkeypatch):
    publish_dbt_docs(FakeDbt(), page, target=tmp_path / "target")
    monkeypatch.setattr(dbt_docs, "project_hash", lambda: "another")
    with pytest.raises(WarehouseError, match=r"dbt docs generate failed. Hint: .*dbt\.log"):
        publish_dbt_docs(FakeDbt(succeeds=False), page, target=tmp_path / "target")
    assert page.read_text() == "page 1"


@pytest.mark.parametrize("name", ["dbt_project.yml", "macros/as_of.sql",
                                  "models/marts/fct_labels.yml"])  # fmt: skip
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
