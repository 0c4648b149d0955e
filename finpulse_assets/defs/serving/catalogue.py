"""Catalogue pages: the dbt docs and the data dictionary, as files of the profile.

Belongs here: asset definitions. Does not belong here: how a page is made (orchestration).
https://docs.dagster.io/guides/build/assets
"""

import dagster as dg
from dagster_dbt import DbtCliResource

from finpulse_assets.defs.serving.snapshot import MARTS
from finpulse_assets.gateways.lake import written_atomically
from finpulse_assets.orchestration.catalog import PLATFORM
from finpulse_assets.orchestration.data_dictionary import data_dictionary, stages
from finpulse_assets.orchestration.dbt_docs import publish_dbt_docs
from finpulse_assets.settings import Settings


@dg.asset(
    key_prefix="serving",
    deps=[mart.name for mart in MARTS],
    pool="duckdb",
    group_name="serving",
    kinds={"dbt", "html"},
    owners=[PLATFORM],
    tags={"domain": "analytics"},
    description="dbt's own documentation with its lineage graph, in one page that opens without a "
    "server. One page per state of the dbt project, made anew only when the project changed; known "
    "once the marts were built.",
)
def dbt_docs(dbt: DbtCliResource, settings: dg.ResourceParam[Settings]) -> dg.MaterializeResult:
    page = settings.root / "dbt_docs" / "index.html"
    is_new = publish_dbt_docs(dbt, page, target=settings.root / "dbt_target")
    return dg.MaterializeResult(
        metadata={
            "path": dg.MetadataValue.path(str(page)),
            "is_new": is_new,
            "size_mib": page.stat().st_size / 2**20,
        }
    )


@dg.asset(
    name="data_dictionary",
    key_prefix="serving",
    group_name="serving",
    kinds={"markdown"},
    owners=[PLATFORM],
    tags={"domain": "analytics"},
    description="The data dictionary: type, unit, meaning, grain and source of every column, from "
    "the contracts and the dbt project. One page per state of the code; known before any run.",
)
def data_dictionary_page(settings: dg.ResourceParam[Settings]) -> dg.MaterializeResult:
    page = settings.root / "data_dictionary.md"
    with written_atomically(page) as temporary:
        temporary.write_text(data_dictionary(), encoding="utf-8")
    entries = [entry for listed in stages().values() for entry in listed]
    return dg.MaterializeResult(
        metadata={
            "path": dg.MetadataValue.path(str(page)),
            "tables": len(entries),
            "columns": sum(len(entry.columns) for entry in entries),
        }
    )
