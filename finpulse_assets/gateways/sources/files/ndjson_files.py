"""NDJSON as a lazy table: each line an object, every value as text."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

import polars as pl

from finpulse_assets.gateways.sources.files.tables import (
    ROW_PROBLEM,
    OpenTable,
    refuse_utf16,
    stamp,
)

_LINE = "_line"


def open_ndjson(path: Path) -> OpenTable:
    """Open NDJSON; a line that is no object has a problem and costs a line."""
    refuse_utf16(path)
    # Each line is one text: the separator is a control character, which JSON cannot hold raw.
    lines = pl.scan_csv(
        path,
        has_header=False,
        separator="\x01",
        quote_char=None,
        schema={_LINE: pl.String},
        encoding="utf8-lossy",
        extra_columns="ignore",
        glob=False,
    ).filter(pl.col(_LINE).str.strip_chars() != "")
    line = pl.col(_LINE)
    is_object = line.str.strip_chars().str.starts_with("{")
    is_json = line.str.json_path_match("$").is_not_null()
    problem = pl.when(~(is_object & is_json)).then(pl.lit("the line is not a JSON object"))
    fields = [_field(key) for key in _keys(path, *stamp(path))]
    return OpenTable(path, lines.select(*fields, problem.alias(ROW_PROBLEM)), is_decoded=True)


def _field(key: str) -> pl.Expr:
    if "'" in key:  # JSONPath cannot ask for it, and no known column is called so
        return pl.lit(None, pl.String).alias(key)
    return pl.col(_LINE).str.json_path_match(f"$['{key}']").alias(key)


@lru_cache(maxsize=64)
def _keys(path: Path, _size: int, _changed: int) -> list[str]:
    """Return the keys of all lines, in order; one that a single line has is a column as well."""
    keys: dict[str, None] = {}
    with path.open(encoding="utf-8-sig", errors="replace") as lines:
        for line in lines:
            try:
                record = json.loads(line)
            except ValueError:
                continue
            if isinstance(record, dict) and not record.keys() <= keys.keys():
                keys.update(dict.fromkeys(record))
    return list(keys)
