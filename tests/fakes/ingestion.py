"""The ingesting part of the graph on sources in memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

import dagster as dg

from finpulse_assets.defs.market.assets import sessions
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.sources.source import Source, Sources
from finpulse_assets.orchestration.ingest.assets import raw_asset, source_asset, tickers_asset
from finpulse_assets.orchestration.run.clock import RunClock
from finpulse_assets.orchestration.run.lake_io import lake_io_manager
from finpulse_assets.orchestration.run.sources import SourceKind
from finpulse_assets.schemas import KINDS
from finpulse_assets.settings import load_settings


def kind_of(source: Source, *, retries: tuple[int, float] = (0, 0.0)) -> SourceKind:
    return SourceKind(
        source.name,
        "A source in memory.",
        kinds=lambda _: source.kinds,
        absence=lambda _: None,
        make=lambda _: source,
        retries=retries,
    )


def ingest_assets(
    *members: Source, retries: tuple[int, float] = (0, 0.0)
) -> list[dg.AssetsDefinition]:
    """Return the assets from the sources to the raw tables."""
    sources = Sources(members)
    priced = [source.name for source in sources.giving("prices")]
    return [
        sessions,
        tickers_asset(priced),
        *(
            source_asset(
                kind_of(source, retries=retries),
                source.kinds,
                is_only_source_of_prices=priced == [source.name],
            )
            for source in members
        ),
        *(
            raw_asset(kind, [s.name for s in sources.giving(kind)], f"All {kind}.")
            for kind in KINDS
        ),
    ]


def ingest(
    home: Path,
    *members: Source,
    as_of: datetime,
    months: Sequence[str],
    more: Sequence[dg.AssetsDefinition] = (),
    assets: Sequence[dg.AssetsDefinition] | None = None,
    retries: tuple[int, float] = (0, 0.0),
) -> tuple[dg.ExecuteInProcessResult, Lake]:
    """Materialize the ingesting assets in process; return Dagster's result and the lake."""
    lake, sources = Lake(home / "lake"), Sources(members)
    chosen = ingest_assets(*members, retries=retries) if assets is None else assets
    result = dg.materialize(
        [*chosen, *more],
        resources={
            "settings": load_settings(home=home),
            "lake": lake,
            "sources": sources,
            "clock": RunClock(
                as_of,
                date.fromisoformat(min(months)),
                extents={
                    f"{source.name} prices": source.prices.extent()
                    for source in sources.giving("prices")
                    if hasattr(source.prices, "extent")
                },
            ),
            "io_manager": lake_io_manager(lake),
        },
        tags={
            "dagster/asset_partition_range_start": months[0],
            "dagster/asset_partition_range_end": months[-1],
        },
        raise_on_error=False,
    )
    return result, lake


def metadata_of(result: dg.ExecuteInProcessResult, *key: str) -> dict[str, object]:
    [event, *_] = result.asset_materializations_for_node("__".join(key))
    return {name: value.value for name, value in event.metadata.items()}
