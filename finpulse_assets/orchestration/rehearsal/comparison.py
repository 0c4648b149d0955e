"""The comparison: what the rehearsed home holds, against a clean run over the same history.

The clean run is one run at the end, whose sources are an archive that says when each row was first
shown. Equal are all tables that are a function of what was known when:

* not `delivered_at` of what sources delivered: the clean run fetched it all at once;
* not models, evaluation, promotion, predictions and their outcomes: they are versions, made by the
  champion of their day on what was known on it, and a run at the end makes one of each;
* not the monitoring: it is the history of the reports of each day;
* not the requests, the coverage and the quarantine: they list what the runs did.
"""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace
from datetime import timedelta

import dagster as dg
import polars as pl

from finpulse_assets.domain.features.technical import TECHNICAL_FEATURES
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.sources.simulated.scripted_source import (
    EXCHANGE,
    EXCHANGE_KINDS,
    WIRE,
    WIRE_KINDS,
)
from finpulse_assets.gateways.warehouse.reader import Warehouse
from finpulse_assets.orchestration.automation.schedule import span_tags
from finpulse_assets.orchestration.dbt.in_process import dbt_of
from finpulse_assets.orchestration.rehearsal.driver import Load, Rehearsal, own_instance
from finpulse_assets.orchestration.rehearsal.platform import GivenClock, RehearsedPlatform
from finpulse_assets.orchestration.run.clock import RunClock
from finpulse_assets.schemas import (
    RAW_TABLES,
    SESSIONS,
    SOURCES,
    TEXT_SENTIMENT,
    TEXT_TRAITS,
    TICKERS,
    source_table,
)
from finpulse_assets.settings import Settings

LAKE_TABLES = (
    SESSIONS,
    TICKERS,
    SOURCES,
    *RAW_TABLES.values(),
    TEXT_SENTIMENT,
    TEXT_TRAITS,
    TECHNICAL_FEATURES,
)
MARTS = ("fct_daily_sentiment", "fct_daily_features", "fct_labels", "fct_training_set")
DELIVERED = (
    *(source_table(EXCHANGE, kind) for kind in EXCHANGE_KINDS),
    *(source_table(WIRE, kind) for kind in WIRE_KINDS),
)


def clean_run(rehearsal: Rehearsal, load: Load) -> Settings:
    """Run the data part of the graph once, as of the end of a rehearsal, in a home beside it.

    Returns:
        The settings of that home.
    """
    settings = rehearsal.settings.model_copy(update={"home": rehearsal.settings.home / "clean"})
    trained = rehearsal.settings.models / "sentiment"  # the same sentences would make it again
    shutil.copytree(trained, settings.models / "sentiment")
    clock, dbt = GivenClock(rehearsal.plan.end), replace(dbt_of(settings), with_tests=False)
    with own_instance(settings.home) as instance:
        platform = RehearsedPlatform(load, settings, instance, rehearsal.market.archive, clock, dbt)
        models = dg.AssetSelection.groups("staging", "intermediate", "marts")
        raw = dg.AssetSelection.assets(*(table.name.split("/") for table in LAKE_TABLES))
        wanted = (models | raw).upstream().resolve(platform.repository.asset_graph)
        months = RunClock(rehearsal.plan.end, platform.market_begins()).months
        with platform.moment(rehearsal.plan.end + timedelta(minutes=15)):
            run = platform.execute(
                "clean run",
                "whole_graph",
                tags=span_tags(months[0], months[-1]),
                assets=sorted(wanted),
            )
    if run.problem:
        raise dg.Failure(f"the clean run failed: {run.problem}")
    return settings


def tables_of(settings: Settings) -> dict[str, pl.DataFrame]:
    """Return every table of a home that a clean run makes alike, by name."""
    lake, warehouse = Lake(settings.lake), Warehouse(settings.warehouse)
    found = {table.name: lake.read_or_empty(table).collect() for table in LAKE_TABLES}
    for table in DELIVERED:
        found[table.name] = lake.read_or_empty(table).drop("delivered_at").collect()
    return {**found, **{mart: warehouse.query(f"select * from {mart}") for mart in MARTS}}  # noqa: S608


def hash_of(frame: pl.DataFrame) -> str:
    """Return a hash of the rows of a table, whatever their order.

    >>> one, other = pl.DataFrame({"a": [1, 2]}), pl.DataFrame({"a": [2, 1]})
    >>> hash_of(one) == hash_of(other), hash_of(one) == hash_of(one.head(1))
    (True, False)
    """
    ordered = frame.select(sorted(frame.columns)).sort(pl.all(), nulls_last=True)
    return hashlib.sha256(ordered.write_ndjson().encode()).hexdigest()


def differences(
    rehearsed: dict[str, pl.DataFrame], clean: dict[str, pl.DataFrame]
) -> dict[str, str]:
    """Return what differs, by table: how many rows stand in one of the two alone, and one of them.

    >>> one, other = pl.DataFrame({"a": [1, 2]}), pl.DataFrame({"a": [1]})
    >>> differences({"t": one, "u": other}, {"t": other, "u": other})
    {'t': '1 of 2 rows in the rehearsed home alone, 0 of 1 in the clean one alone, such as a=2'}
    """
    found = {}
    for name, own in rehearsed.items():
        if hash_of(own) == hash_of(clean[name]):
            continue
        left = own.join(clean[name], on=own.columns, how="anti", nulls_equal=True)
        right = clean[name].join(own, on=own.columns, how="anti", nulls_equal=True)
        example = pl.concat([left, right]).head(1)
        shown = [f"{k}={v}" for k, v in example.row(0, named=True).items()] if len(example) else []
        found[name] = (
            f"{left.height} of {own.height} rows in the rehearsed home alone, {right.height} of "
            f"{clean[name].height} in the clean one alone, such as {', '.join(shown)}"
        )
    return found
