"""The IO manager: frames between assets and the lake.

Which partitions a frame is read from and written to.
https://docs.dagster.io/guides/build/io-managers

Reading has three cases: a month or a span of months, when reader and table share the partitions;
every month that exists, when the reader has none; the one file of an unpartitioned table. Writing
has four: versions of predictions (predicted_at in the key) are added in the months that they have;
a table with months whose asset has none is replaced in all of them; any other table takes the run's
months whole; and a stream of frames becomes the one file of its table, frame by frame. What sources
delivered is kept by the source assets themselves.
"""

from __future__ import annotations

from dataclasses import dataclass

import dagster as dg
import polars as pl

from finpulse_assets.contract import Table
from finpulse_assets.gateways.lake.frame_stream import FrameStream, write_stream
from finpulse_assets.gateways.lake.lake import WHOLE, Lake
from finpulse_assets.orchestration.catalog.metadata import newest, table_of
from finpulse_assets.orchestration.run.clock import RunClock
from finpulse_assets.orchestration.run.once import FILES, files_below
from finpulse_assets.orchestration.run.step_failures import failing_in_one_sentence


@dataclass
class LakeIOManager(dg.IOManager):
    """Reads lazily, writes atomically, and describes what it wrote."""

    lake: Lake
    clock: RunClock

    @failing_in_one_sentence()
    def handle_output(self, context: dg.OutputContext, obj: pl.DataFrame | FrameStream) -> None:
        table = table_of(context.asset_key)
        if isinstance(obj, FrameStream):
            changed = write_stream(self.lake.path(table), table, obj)
            self._describe(context, table, changed_partitions=int(changed))
            return
        months = self._months(context, table, obj)
        is_added = "predicted_at" in table.key and context.has_asset_partitions
        write = self.lake.append if is_added else self.lake.replace
        changed = write(table, obj, months)
        self._describe(context, table, rows_in_this_run=obj.height, changed_partitions=len(changed))

    def _months(self, context: dg.OutputContext, table: Table, frame: pl.DataFrame) -> list[str]:
        """Return the months that are written: the run's, or all where the asset has none."""
        if context.has_asset_partitions:
            return list(context.asset_partition_keys)
        if table.partition_column is None:
            return [WHOLE]
        own = frame[table.partition_column].dt.strftime("%Y-%m-01").unique()
        return sorted({*self.lake.partitions(table), *own})

    def _describe(self, context: dg.OutputContext, table: Table, **counts: int) -> None:
        rows, folder = self.lake.read_or_empty(table), self.lake.root / table.name
        context.add_output_metadata(
            {
                "dagster/row_count": rows.select(pl.len()).collect().item(),
                **counts,
                "path": dg.MetadataValue.path(str(folder)),
                FILES: files_below(folder),
                "sample": newest(rows, table),
            }
        )

    @failing_in_one_sentence()
    def load_input(self, context: dg.InputContext) -> pl.LazyFrame:
        table = table_of(context.asset_key)
        if not context.has_asset_partitions:
            return self.lake.scan(table)
        months = context.asset_partition_keys
        # A reader without partitions is handed every key of the definition, also the months before
        # the data begins: it gets what exists.
        is_whole = len(months) == len(context.asset_partitions_def.get_partition_keys())
        return self.lake.scan(table, None if is_whole else months)


def lake_io_manager(lake: Lake) -> dg.IOManagerDefinition:
    """Return the IO manager of `lake`; the clock is settled when a run begins."""
    return dg.IOManagerDefinition(
        lambda init: LakeIOManager(lake, init.resources.clock), required_resource_keys={"clock"}
    )
