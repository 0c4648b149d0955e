"""Months of a table that are made from files of other tables: which of them are out of date.

Beside the months lies `.inputs.json`: for each month what it was made from.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from finpulse_assets.contract import Table
from finpulse_assets.errors import LakeError
from finpulse_assets.gateways.atomic import write_json
from finpulse_assets.gateways.lake.lake import Lake

INPUTS_FILE = ".inputs.json"


@dataclass(frozen=True)
class MadeMonths:
    """The months of `table`, each with the note of what it was made from."""

    lake: Lake
    table: Table

    def outdated(self, inputs: Mapping[str, Mapping[str, object]]) -> list[str]:
        """Return the months, ascending, that are absent or made from something else.

        Args:
            inputs: month -> what it would be made from now, fit for JSON.

        Raises:
            LakeError: the note cannot be read.
        """
        present = set(self.lake.partitions(self.table))
        return [m for m in sorted(inputs) if m not in present or self.note(m) != inputs[m]]

    def note(self, month: str) -> dict[str, object]:
        """Return what the month was made from, empty where it never was."""
        return self._held().get(month, {})

    def write(self, month: str, rows: pl.DataFrame, made_from: Mapping[str, object]) -> None:
        """Make the month hold `rows` and note what they were made from."""
        with self.lake.locked(self.table):
            self.lake.replace(self.table, rows, [month])
            write_json(self._file, {**self._held(), month: made_from})

    @property
    def _file(self) -> Path:
        return self.lake.root / self.table.name / INPUTS_FILE

    def _held(self) -> dict[str, dict[str, object]]:
        if not self._file.exists():
            return {}
        try:
            return dict(json.loads(self._file.read_text()))
        except ValueError as error:
            raise LakeError(
                f"{self._file} cannot be read: {error}",
                hint="delete it; every month is looked at again",
            ) from error


def files_of(lake: Lake, tables: Iterable[Table], month: str) -> dict[str, list[int]]:
    """Return time and size of the files of a month; the lake rewrites no file in vain."""
    paths = {table.name: lake.path(table, month) for table in tables}
    found = {name: path.stat() for name, path in paths.items() if path.exists()}
    return {name: [stat.st_mtime_ns, stat.st_size] for name, stat in found.items()}
