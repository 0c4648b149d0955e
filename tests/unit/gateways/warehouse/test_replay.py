"""The replay of marts: the compiled SQL on other tables, in the order of their references."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from finpulse_assets.errors import LakeError
from finpulse_assets.gateways.warehouse.replay import MartReplay

AS_OF = datetime(2026, 3, 2, 21, 15, tzinfo=UTC)
SOURCE = "read_parquet('/lake/raw/texts/*.parquet', union_by_name = true)"


def model(name: str, sql: str, upstream: list[str], materialized: str = "view") -> dict:
    return {
        "resource_type": "model", "name": name, "relation_name": f'"finpulse"."main"."{name}"',
        "compiled_code": sql, "config": {"materialized": materialized},
        "depends_on": {"nodes": [f"model.finpulse.{it}" for it in upstream]},
    }  # fmt: skip


def manifest(folder: Path, models: list[dict]) -> Path:
    nodes = {f"model.finpulse.{it['name']}": it for it in models}
    nodes["test.finpulse.any"] = {"resource_type": "test"}
    sources = {"source": {"relation_name": SOURCE, "source_name": "raw", "name": "texts"}}
    path = folder / "manifest.json"
    path.write_text(json.dumps({"nodes": nodes, "sources": sources}))
    return path


MODELS = [
    # The mart stands first: the order is made from the references.
    model("fct_counts", 'select ticker, count(*) as texts from "finpulse"."main"."stg_texts" '
          "group by ticker order by ticker", ["stg_texts"], "table"),
    model("stg_texts", f"from {SOURCE} "
          "where knowledge_time <= timestamptz '9999-12-31 00:00:00+00'", []),
    model("fct_other", 'select * from "finpulse"."main"."fct_counts"', ["fct_counts"], "table"),
]  # fmt: skip
TEXTS = pl.DataFrame(
    {
        "ticker": ["A", "A", "B"],
        "knowledge_time": [datetime(2026, 3, day, tzinfo=UTC) for day in (1, 2, 3)],
    }
)


def test_a_mart_is_built_from_the_tables_that_are_given(tmp_path):
    replay = MartReplay.of(manifest(tmp_path, MODELS))
    tables = {"raw/texts": TEXTS}
    found = replay.build(tables, "fct_other", as_of=datetime(2026, 4, 1, tzinfo=UTC))
    assert found.rows() == [("A", 2), ("B", 1)]
    assert replay.build(tables, "fct_counts", as_of=AS_OF).rows() == [("A", 2)]
    assert replay.build({"raw/texts": TEXTS[:1]}, "fct_counts", as_of=AS_OF).rows() == [("A", 1)]


def test_a_table_that_is_missing_is_named(tmp_path):
    replay = MartReplay.of(manifest(tmp_path, MODELS))
    with pytest.raises(LakeError, match=r"stg_texts cannot be replayed: .*raw/texts"):
        replay.build({}, "fct_counts", as_of=AS_OF)


def test_a_model_that_is_unknown_is_named(tmp_path):
    replay = MartReplay.of(manifest(tmp_path, MODELS))
    with pytest.raises(LakeError, match=r"no model fct_count. Hint: it has fct_counts, fct_other"):
        replay.build({"raw/texts": TEXTS}, "fct_count", as_of=AS_OF)


def test_a_project_that_was_never_built_says_so(tmp_path):
    with pytest.raises(LakeError, match=r"the marts were not built yet. Hint: finpulse run"):
        MartReplay.of(tmp_path / "manifest.json")
    with pytest.raises(LakeError, match=r"stg_texts was not compiled by the last build"):
        MartReplay.of(manifest(tmp_path, [MODELS[1] | {"compiled_code": ""}]))


def test_a_model_that_reads_an_absent_one_is_refused_by_name(tmp_path):
    partial = manifest(tmp_path, [MODELS[0], MODELS[2]])
    with pytest.raises(LakeError, match="fct_counts cannot be replayed, it reads stg_texts, which"):
        MartReplay.of(partial)
