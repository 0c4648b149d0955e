"""Warehouse assets: every dbt model and test, built into the DuckDB file.

https://docs.dagster.io/integrations/libraries/dbt
"""

import dagster as dg
from dagster_dbt import dbt_assets

from finpulse_assets.gateways.warehouse.reader import Warehouse
from finpulse_assets.orchestration.dbt.in_process import DbtInProcess
from finpulse_assets.orchestration.dbt.project import Translator, dbt_project
from finpulse_assets.orchestration.run.clock import RunClock
from finpulse_assets.orchestration.run.once import ONCE
from finpulse_assets.settings import Settings


@dg.definitions
def warehouse() -> dg.Definitions:
    """Return the assets of the dbt project; its manifest is read here, not at import."""

    @dbt_assets(
        manifest=dbt_project().manifest_path,
        dagster_dbt_translator=Translator(),
        pool="duckdb",
        op_tags=ONCE,
        name="warehouse",
    )
    def build_models(
        context: dg.AssetExecutionContext,
        dbt: dg.ResourceParam[DbtInProcess],
        clock: dg.ResourceParam[RunClock],
        settings: dg.ResourceParam[Settings],
    ):
        settings.root.mkdir(parents=True, exist_ok=True)
        if problem := Warehouse(settings.warehouse).drop_broken():
            context.log.warning(f"{problem}; it is deleted and built anew")
        yield from dbt.build(context, as_of=clock.as_of)

    return dg.Definitions(assets=[build_models])
