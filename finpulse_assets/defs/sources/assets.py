"""Source assets: what each source of the list delivered, with its requests.

https://docs.dagster.io/guides/build/assets
"""

import dagster as dg

from finpulse_assets.orchestration.ingest.assets import source_asset
from finpulse_assets.orchestration.run.sources import configured_sources
from finpulse_assets.settings import load_settings


@dg.definitions
def sources() -> dg.Definitions:
    settings = load_settings()
    chosen = {source: source.kinds(settings) for source in configured_sources(settings)}
    with_prices = [source for source, kinds in chosen.items() if "prices" in kinds]
    return dg.Definitions(
        assets=[
            source_asset(source, kinds, is_only_source_of_prices=[source] == with_prices)
            for source, kinds in chosen.items()
        ]
    )
