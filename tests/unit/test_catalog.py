"""The catalogue is complete: what the UI shows about every asset."""

from __future__ import annotations

import re

import pytest

from finpulse_assets.cli.documents import STAGES, asset_specs
from finpulse_assets.definitions import defs
from finpulse_assets.domain.features.registry import TECHNICAL, feature_names
from finpulse_assets.domain.features.technical import TECHNICAL_FEATURES
from finpulse_assets.orchestration.catalog.metadata import LAKE_TABLES

SPECS = asset_specs(defs())


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.key.to_user_string())
def test_every_asset_says_what_whose_and_where(spec):
    assert spec.group_name in STAGES, "a stage that a reader recognises, never `default`"
    assert all(owner.startswith("team:") for owner in spec.owners)
    assert spec.owners
    assert spec.kinds
    assert len(spec.description) > 40
    assert re.search(r"\bone \w+", spec.description, re.IGNORECASE), "the grain"
    assert re.search(r"\bknown\b", spec.description, re.IGNORECASE), "when it is known"


def test_the_stages_stand_in_the_order_of_the_flow():
    """So the graph of the groups has no loop."""
    stage_of = {spec.key: STAGES.index(spec.group_name) for spec in SPECS}
    back = [
        f"{dep.asset_key.to_user_string()} -> {spec.key.to_user_string()}"
        for spec in SPECS
        for dep in spec.deps
        if stage_of[dep.asset_key] > stage_of[spec.key]
    ]
    assert back == []


@pytest.mark.parametrize(
    "spec",
    [s for s in SPECS if not s.kinds & {"json", "html", "markdown"} and s.key.to_user_string()
     not in ("models/sentiment_model", "models/price_model")],
    ids=lambda spec: spec.key.to_user_string(),
)  # fmt: skip
def test_every_table_shows_its_columns(spec):
    columns = spec.metadata["dagster/column_schema"].columns
    assert columns
    assert all(column.description for column in columns)
    assert all(column.type != "?" for column in columns)


def test_every_lake_asset_shows_its_contract():
    by_key = {spec.key.to_user_string(): spec for spec in SPECS}
    for name, table in LAKE_TABLES.items():
        shown = by_key[name].metadata["dagster/column_schema"].columns
        assert [column.name for column in shown] == table.column_names, name


def test_the_marts_show_the_registry_in_its_order():
    by_key = {spec.key.to_user_string(): spec for spec in SPECS}
    for mart in ("fct_daily_features", "fct_training_set"):
        names = [c.name for c in by_key[mart].metadata["dagster/column_schema"].columns]
        assert [name for name in names if name in feature_names()] == feature_names()
    assert {it.name for it in TECHNICAL} < set(TECHNICAL_FEATURES.column_names)


def test_the_graph_is_the_one_that_was_reviewed(tmp_path):
    """Keys and dependencies as committed; a rename shows up in review, not in production."""
    from pathlib import Path

    lines = [
        f"{spec.key.to_user_string()} <- "
        + ", ".join(sorted(dep.asset_key.to_user_string() for dep in spec.deps))
        for spec in SPECS
    ]
    committed = Path(__file__).parents[1] / "data" / "graph.txt"
    assert "\n".join(lines) + "\n" == committed.read_text(), (
        "the graph changed; if that is meant, write these lines to tests/data/graph.txt"
    )
