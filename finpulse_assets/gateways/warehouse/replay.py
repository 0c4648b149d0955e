"""The marts of the dbt project, built once more in memory, from tables that are given.

Running the SQL that a dbt build has compiled, on other inputs.

It is the very SQL that made the warehouse, so a replay answers what the warehouse would hold had
these been its inputs. dbt itself takes seconds to start and writes a file; this takes neither.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import polars as pl

from finpulse_assets.errors import LakeError

_AS_OF = re.compile(r"timestamptz '\d{4}-\d{2}-\d{2}[ T][\d:.]+\+00'")


@dataclass(frozen=True)
class Model:
    """A dbt model: its SQL, where sources stand as "source name.table name"."""

    name: str
    relation: str
    sql: str
    upstream: tuple[str, ...]
    is_view: bool


@dataclass(frozen=True)
class MartReplay:
    """The compiled models of a project, each after those that it reads."""

    models: tuple[Model, ...]

    @classmethod
    def of(cls, manifest: Path) -> MartReplay:
        """Read the manifest that a dbt build has left.

        Raises:
            LakeError: there is none, it was not compiled, or a model reads one that is absent.
        """
        if not manifest.exists():
            raise LakeError(
                f"{manifest} does not exist, the marts were not built yet",
                hint="finpulse run, or materialize the marts",
            )
        content = json.loads(manifest.read_text())
        sources = {
            source["relation_name"]: f'"{source["source_name"]}/{source["name"]}"'
            for source in content["sources"].values()
        }
        models = [
            _model(node, sources)
            for node in content["nodes"].values()
            if node["resource_type"] == "model"
        ]
        return cls(_ordered(models))

    def build(
        self,
        tables: Mapping[str, pl.DataFrame],
        mart: str,
        *,
        as_of: datetime,
        session_date: date | None = None,
    ) -> pl.DataFrame:
        """Return the rows of a mart as built from `tables` with the knowledge of `as_of` (UTC).

        Args:
            tables: lake tables by name ("raw/tweets"); every source that the mart stands on.
            mart: name of the model.
            as_of: what the dbt variable of that name says.
            session_date: whose rows are asked for; None for all. What is small is built on one
                thread: it then costs half.

        Raises:
            LakeError: a source is not among the tables, or the project has no such model.
        """
        literal = f"timestamptz '{as_of.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}+00'"
        with duckdb.connect(":memory:") as warehouse:
            warehouse.execute("attach ':memory:' as finpulse; use finpulse; set timezone = 'UTC'")
            if session_date is not None:
                warehouse.execute("set threads = 1")
            for name, frame in tables.items():
                warehouse.register(name, frame)
            for model in self._needed(mart):
                kind = "view" if model.is_view else "table"
                sql = _AS_OF.sub(literal, model.sql)
                try:
                    warehouse.execute(f"create {kind} {model.relation} as ({sql})")
                except duckdb.CatalogException as error:
                    raise LakeError(f"{model.name} cannot be replayed: {error}") from error
            relation = next(model.relation for model in self.models if model.name == mart)
            found = warehouse.sql(f"from {relation}")
            if session_date is not None:
                found = found.filter(f"session_date = date '{session_date}'")
            return pl.from_arrow(found.to_arrow_table())

    def _needed(self, mart: str) -> Iterable[Model]:
        by_name = {model.name: model for model in self.models}
        if mart not in by_name:
            raise LakeError(
                f"the dbt project has no model {mart}", hint=f"it has {', '.join(sorted(by_name))}"
            )
        needed, waiting = set(), [mart]
        while waiting:
            name = waiting.pop()
            needed.add(name)
            waiting += [it for it in by_name[name].upstream if it not in needed]
        return [model for model in self.models if model.name in needed]


def _model(node: Mapping[str, object], sources: Mapping[str, str]) -> Model:
    sql = str(node.get("compiled_code") or "")
    if not sql:
        raise LakeError(
            f"{node['name']} was not compiled by the last build", hint="materialize the marts"
        )
    for relation, name in sources.items():
        sql = sql.replace(relation, name)
    upstream = [it for it in node["depends_on"]["nodes"] if it.startswith("model.")]
    return Model(
        name=str(node["name"]),
        relation=str(node["relation_name"]),
        sql=sql,
        upstream=tuple(it.rsplit(".", 1)[-1] for it in upstream),
        is_view=node["config"]["materialized"] == "view",
    )


def _ordered(models: list[Model]) -> tuple[Model, ...]:
    done: list[Model] = []
    names: set[str] = set()
    while len(done) < len(models):
        ready = [it for it in models if it.name not in names and set(it.upstream) <= names]
        if not ready:
            waiting = next(it for it in models if it.name not in names)
            absent = sorted(set(waiting.upstream) - names)
            raise LakeError(
                f"{waiting.name} cannot be replayed, it reads {', '.join(absent)}, which the last "
                "build does not have",
                hint="materialize the marts again",
            )
        done += ready
        names |= {it.name for it in ready}
    return tuple(done)
