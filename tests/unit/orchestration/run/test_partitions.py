"""The months that a home shows begin with its data."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg

from finpulse_assets.definitions import defs
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.orchestration.run.clock import RunClock
from finpulse_assets.orchestration.run.clock_file import note_clock
from finpulse_assets.orchestration.run.partitions import FIRST_MONTH, MONTHS, first_month
from finpulse_assets.schemas import TWEETS
from finpulse_assets.settings import load_settings

AS_OF = datetime(2024, 5, 3, 20, 15, tzinfo=UTC)


def test_a_new_home_may_begin_anywhere(tmp_path: Path) -> None:
    assert first_month(load_settings(home=tmp_path)) == FIRST_MONTH


def test_months_begin_with_the_first_that_the_home_has_read_or_holds(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path)
    note_clock(settings, RunClock(AS_OF, date(2024, 3, 14)))
    assert first_month(settings) == "2024-03-01"
    Lake(settings.lake).replace(TWEETS, TWEETS.empty(), ["2023-12-01"])
    assert first_month(settings) == "2023-12-01", "the source's window has slid on"


def test_the_assets_of_a_home_have_its_months_and_no_others(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("FINPULSE_HOME", str(tmp_path))
    note_clock(load_settings(), RunClock(AS_OF, date(2024, 3, 14)))
    graph = defs().get_repository_def().asset_graph
    partitioned = [node for node in graph.asset_nodes if node.partitions_def is not None]
    assert {node.key.to_user_string() for node in partitioned} >= {"raw/tweets", "raw/prices"}
    for node in partitioned:
        assert node.partitions_def.get_first_partition_key() == "2024-03-01"
        assert node.partitions_def.timezone == MONTHS.timezone
        assert node.backfill_policy == dg.BackfillPolicy.single_run()
