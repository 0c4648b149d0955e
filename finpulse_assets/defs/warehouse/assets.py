"""Warehouse assets: every dbt model and test, built into the DuckDB file.

https://docs.dagster.io/integrations/libraries/dbt
"""

import json

import dagster as dg
from dagster_dbt import DbtCliResource, dbt_assets

from finpulse_assets.gateways.warehouse.reader import Warehouse
from finpulse_assets.orchestration.dbt.project import Translator, dbt_project
from finpulse_assets.orchestration.run.clock import RunClock
from finpulse_assets.settings import Settings


@dg.definitions
def warehouse() -> dg.Definitions:
    """Return the assets of the dbt project; its manifest is read here, not at import."""

    @dbt_assets(
        manifest=dbt_project().manifest_path,
        dagster_dbt_translator=Translator(),
        pool="duckdb",
        name="warehouse",
    )
    def build_models(
        context: dg.AssetExecutionContext,
        dbt: DbtCliResource,
        clock: dg.ResourceParam[RunClock],
        settings: dg.ResourceParam[Settings],
    ):
        variables = {"as_of": f"{clock.as_of:%Y-%m-%d %H:%M:%S.%f}"}
        settings.root.mkdir(parents=True, exist_ok=True)
        if problem := Warehouse(settings.warehouse).drop_broken():
            context.log.warning(f"{problem}; it is deleted and built anew")
        build = dbt.cli(
            ["build", "--vars", json.dumps(variables)],
            context=context,
            target_path=settings.root / "dbt_target",  # else a folder more for every run
        )
        yield from build.stream()

    return dg.Definitions(assets=[build_models])
