"""The replay of marts: the compiled SQL on other tables, in the order of their references."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from finpulse_assets.errors import LakeError
from finpulse_assets.gateways.warehouse.replay import MartReplay

AS_OF = datetime(2026, 3, 2, 21, 15, tzinfo=UTC)
NAMES = "read_parquet('/lake/raw/names/*.parquet', union_by_name = true)"
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
    sources = {
        name: {"relation_name": relation, "source_name": "raw", "name": name}
        for name, relation in (("texts", SOURCE), ("names", NAMES))
    }
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


KEPT = [
    MODELS[1],
    model("stg_names", f"select *, uuid() as made from {NAMES}", []),  # noqa: S608
    model("int_counts", "select ticker, knowledge_time::date as session_date, count(*) as texts "
          'from "finpulse"."main"."stg_texts" group by all', ["stg_texts"], "table"),
    model("fct_named", 'select *, sum(texts) over (partition by session_date) as of_all '
          'from "finpulse"."main"."int_counts" join "finpulse"."main"."stg_names" using (ticker) '
          "order by ticker", ["int_counts", "stg_names"], "table"),
]  # fmt: skip


def test_a_kept_mart_follows_the_tables_that_change_and_makes_the_others_once(tmp_path):
    replay = MartReplay.of(manifest(tmp_path, KEPT))
    names = {"raw/names": pl.DataFrame({"ticker": ["A", "B"], "name": ["Ay", "Be"]})}
    until, day = datetime(2026, 4, 1, tzinfo=UTC), date(2026, 3, 3)
    kept = replay.kept(names, "fct_named", as_of=until, session_date=day, changing={"raw/texts"})
    before = kept.rows({"raw/texts": TEXTS})
    more = pl.concat([TEXTS, TEXTS.with_columns(knowledge_time=TEXTS["knowledge_time"][2])])
    after = kept.rows({"raw/texts": more})
    assert before["made"].to_list() == after.filter(ticker="B")["made"].to_list()
    for texts, found in ((TEXTS, before), (more, after)):
        whole = replay.build({**names, "raw/texts": texts}, "fct_named", as_of=until)
        own = whole.filter(session_date=day).drop("made")
        assert own.height > 0
        assert found.drop("made").equals(own)


def test_a_kept_mart_names_a_table_that_is_missing(tmp_path):
    replay = MartReplay.of(manifest(tmp_path, KEPT))
    asked = {"as_of": AS_OF, "session_date": AS_OF.date(), "changing": {"raw/texts"}}
    with pytest.raises(LakeError, match=r"stg_names cannot be replayed: .*raw/names"):
        replay.kept({}, "fct_named", **asked)
    kept = replay.kept({"raw/names": TEXTS.select("ticker").unique()}, "fct_named", **asked)
    with pytest.raises(LakeError, match=r"stg_texts cannot be replayed: .*raw/texts"):
        kept.rows({})


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
