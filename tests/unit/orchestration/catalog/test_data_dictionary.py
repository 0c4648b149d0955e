"""The data dictionary: the committed page is what the code says, and it is complete."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from finpulse_assets.domain.features.registry import FEATURES
from finpulse_assets.orchestration.catalog.data_dictionary import data_dictionary, stages
from finpulse_assets.orchestration.catalog.metadata import LAKE_TABLES
from finpulse_assets.orchestration.catalog.snapshot_contents import LAKE_CONTENTS
from finpulse_assets.orchestration.catalog.snapshot_macros import as_of_macros
from finpulse_assets.orchestration.dbt.project import PROJECT_DIR

COMMITTED = Path(__file__).parents[4] / "docs" / "data_dictionary.md"
ENTRIES = [entry for listed in stages().values() for entry in listed]


def test_the_committed_page_is_that_of_the_code():
    assert COMMITTED.read_text(encoding="utf-8") == data_dictionary(), "run `make docs`"


def test_every_table_of_lake_and_dbt_stands_in_it():
    names = {entry.name for entry in ENTRIES}
    assert set(LAKE_TABLES) < names
    assert {path.stem for path in PROJECT_DIR.glob("models/*/*.sql")} < names
    assert len(names) == len(ENTRIES)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_an_entry_says_grain_time_source_and_every_meaning(entry):
    assert re.match(r"one row per \w+", entry.grain, re.IGNORECASE)
    assert re.match(r"known ", entry.known_at, re.IGNORECASE)
    assert entry.source
    assert all(column.meaning for column in entry.columns)


def test_the_marts_say_what_the_registry_says():
    mart = next(entry for entry in ENTRIES if entry.name == "fct_daily_features")
    columns = {column.name: column for column in mart.columns}
    for feature in FEATURES:
        assert columns[feature.name].unit == feature.unit, feature.name


def test_links_of_the_contents_lead_somewhere():
    page = data_dictionary()
    headings = re.findall(r"^### (.+)$", page, re.MULTILINE)
    anchors = {re.sub(r"[^a-z0-9_-]", "", heading.lower()) for heading in headings}
    assert set(re.findall(r"\]\(#([^)]+)\)", page)) == anchors


def test_every_versioned_table_of_the_snapshot_has_an_as_of_macro():
    versioned = {table.name.split("/")[1] for table in LAKE_CONTENTS
                 if "knowledge_time" in table.key}  # fmt: skip
    assert {f"{name}_as_of" for name in versioned} < {macro.name for macro in as_of_macros()}
