"""Pages for readers: dbt docs, data dictionary and feature page, as files of the profile.

https://docs.dagster.io/guides/build/assets
"""

import dagster as dg

from finpulse_assets.domain.features.registry import FEATURES
from finpulse_assets.gateways.atomic import written_atomically
from finpulse_assets.gateways.warehouse.reader import Warehouse
from finpulse_assets.orchestration.catalog.data_dictionary import data_dictionary, stages
from finpulse_assets.orchestration.catalog.feature_page import family_plots
from finpulse_assets.orchestration.catalog.feature_page import feature_page as page
from finpulse_assets.orchestration.catalog.metadata import PLATFORM, png
from finpulse_assets.orchestration.dbt.docs import publish_dbt_docs
from finpulse_assets.orchestration.dbt.in_process import DbtInProcess
from finpulse_assets.orchestration.dbt.models import DAILY_FEATURES, MARTS
from finpulse_assets.orchestration.run.once import ONCE
from finpulse_assets.settings import Settings


@dg.asset(
    key_prefix="serving",
    deps=MARTS,
    pool="duckdb",
    op_tags=ONCE,
    group_name="serving",
    kinds={"dbt", "html"},
    owners=[PLATFORM],
    tags={"domain": "analytics"},
    description="dbt's own documentation with its lineage graph, in one page that opens without a "
    "server. One page per state of the dbt project, made anew only when the project changed; known "
    "once the marts were built.",
)
def dbt_docs(
    dbt: dg.ResourceParam[DbtInProcess], settings: dg.ResourceParam[Settings]
) -> dg.MaterializeResult:
    page = settings.root / "dbt_docs" / "index.html"
    is_new = publish_dbt_docs(dbt, page)
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


@dg.asset(
    key_prefix="serving",
    deps=[DAILY_FEATURES],
    pool="duckdb",
    op_tags=ONCE,
    group_name="serving",
    kinds={"markdown", "matplotlib"},
    owners=[PLATFORM],
    tags={"domain": "analytics"},
    description="The feature page: name, formula, unit, look-back and warm-up of every feature, "
    "with a small plot of each family on the ticker with most texts. One page per state of the "
    "code and the data; known once the marts were built.",
)
def feature_page(
    warehouse: dg.ResourceParam[Warehouse], settings: dg.ResourceParam[Settings]
) -> dg.MaterializeResult:
    folder = settings.root / "feature_page"
    plots = family_plots(warehouse.query(f"select * from {DAILY_FEATURES}"))  # noqa: S608
    for family, image in plots.images.items():
        with written_atomically(folder / f"{family}.png") as temporary:
            temporary.write_bytes(image)
    with written_atomically(folder / "features.md") as temporary:
        names = {family: f"{family}.png" for family in plots.images}
        temporary.write_text(page(names, caption=plots.caption), encoding="utf-8")
    return dg.MaterializeResult(
        metadata={
            **{f"plot_{family}": png(image) for family, image in plots.images.items()},
            "path": dg.MetadataValue.path(str(folder / "features.md")),
            "features": len(FEATURES),
        }
    )
