"""Partitions: months of New York, of which the UI shows those from the first of the home's data on.

The one partitions definition. Months cost a decade 120 keys; a key a day would cost 18 ms of event
log for each asset. They are declared from 2010 on, so that a home may reach that far back; shown as
such, a home of two years would look nine tenths empty.
https://docs.dagster.io/guides/build/partitions-and-backfills
"""

from __future__ import annotations

import dagster as dg

from finpulse_assets.domain.calendar import NEW_YORK
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.orchestration.run.clock import FIRST_DAY
from finpulse_assets.orchestration.run.clock_file import noted_clock
from finpulse_assets.orchestration.run.dagster_internals import replace
from finpulse_assets.schemas import TWEETS
from finpulse_assets.settings import Settings

FIRST_MONTH = FIRST_DAY.isoformat()
MONTHS = dg.MonthlyPartitionsDefinition(
    start_date=FIRST_MONTH, timezone=str(NEW_YORK), end_offset=1
)


def first_month(settings: Settings) -> str:
    """Return the first partition key of a home: of its last run, or of an older one that it holds.

    The window of a source may slide on; what it left behind is still scored by the same model.

    Raises:
        SettingError: the clock file cannot be read.
    """
    noted = noted_clock(settings)
    if noted is None:
        return FIRST_MONTH
    return min([f"{noted.start_date:%Y-%m-01}", *Lake(settings.lake).partitions(TWEETS)])


def beginning_in(first: str, definitions: dg.Definitions) -> dg.Definitions:
    """Return the definitions with partitions from the month `first` on."""
    months = dg.MonthlyPartitionsDefinition(
        start_date=first, timezone=MONTHS.timezone, end_offset=MONTHS.end_offset
    )

    def shown(spec: dg.AssetSpec) -> dg.AssetSpec:
        if spec.partitions_def != MONTHS:
            return spec
        return spec.replace_attributes(partitions_def=months)

    assets = [
        it.map_asset_specs(shown) if isinstance(it, dg.AssetsDefinition) else it
        for it in definitions.assets or ()
    ]
    return replace(definitions, assets=assets)
