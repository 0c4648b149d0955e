"""The marts of the dbt project, built once more in memory, from tables that are given.

Running the SQL that a dbt build has compiled, on other inputs.

It is the very SQL that made the warehouse, so a replay answers what the warehouse would hold had
these been its inputs. dbt itself takes seconds to start and writes a file; this takes neither.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
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
    sources: frozenset[str]
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
        self, tables: Mapping[str, pl.DataFrame], mart: str, *, as_of: datetime
    ) -> pl.DataFrame:
        """Return the rows of a mart as built from `tables` with the knowledge of `as_of` (UTC).

        Args:
            tables: lake tables by name ("raw/tweets"); every source that the mart stands on.
            mart: name of the model.
            as_of: what the dbt variable of that name says.

        Raises:
            LakeError: a source is not among the tables, or the project has no such model.
        """
        with _warehouse(tables) as warehouse:
            for model in self._needed(mart):
                _make(warehouse, model, as_of, is_view=model.is_view)
            return pl.from_arrow(
                warehouse.sql(f"from {self._by_name[mart].relation}").to_arrow_table()
            )

    def kept(
        self,
        tables: Mapping[str, pl.DataFrame],
        mart: str,
        *,
        as_of: datetime,
        session_date: date,
        changing: Collection[str],
    ) -> KeptMart:
        """Return a mart of which one session's rows are asked for again and again.

        Args:
            tables: as for `build`; those that change may be left out.
            mart, as_of: as for `build`.
            session_date: whose rows are asked for.
            changing: names of the tables that each look brings anew. Whatever stands on none of
                them is made once, here.

        Raises:
            LakeError: a source is not among the tables, or the project has no such model.
        """
        return KeptMart(self._needed(mart), tables, as_of, session_date, frozenset(changing))

    def _needed(self, mart: str) -> Sequence[Model]:
        by_name = self._by_name
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

    @property
    def _by_name(self) -> dict[str, Model]:
        return {model.name: model for model in self.models}


class KeptMart:
    """A mart in memory, whose tables that change are given anew at each look.

    One thread works on it: what is small costs half so. It is no thread's but its maker's.
    """

    def __init__(
        self,
        models: Sequence[Model],
        tables: Mapping[str, pl.DataFrame],
        as_of: datetime,
        session_date: date,
        changing: frozenset[str],
    ) -> None:
        """Make what does not change; see `MartReplay.kept`. The last model is the mart."""
        self._as_of, self._session_date = as_of, session_date
        fixed = {name: frame for name, frame in tables.items() if name not in changing}
        self._warehouse = _warehouse(fixed)
        self._warehouse.execute("set threads = 1")
        self._moving: list[Model] = []
        moving: set[str] = set()
        for model in models:
            if model.sources & changing or moving.intersection(model.upstream):
                moving.add(model.name)
                self._moving.append(model)
            else:
                _make(self._warehouse, model, as_of, is_view=False)
        self._mart, self._is_made = models[-1], False

    def rows(self, changed: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
        """Return the session's rows of the mart, made from the tables that change as they are now.

        Raises:
            LakeError: a table is missing.
        """
        for name, frame in changed.items():
            self._warehouse.register(name, frame)
        for model in self._moving:
            # The mart itself stays a view: its other sessions are never computed.
            is_view = model.is_view or model is self._mart
            if not (is_view and self._is_made):
                _make(self._warehouse, model, self._as_of, is_view=is_view)
        self._is_made = True
        found = self._warehouse.sql(
            f"select * from {self._mart.relation} "  # noqa: S608
            f"where session_date = date '{self._session_date}'"
        )
        return pl.from_arrow(found.to_arrow_table())


def _warehouse(tables: Mapping[str, pl.DataFrame]) -> duckdb.DuckDBPyConnection:
    warehouse = duckdb.connect(":memory:")
    warehouse.execute("attach ':memory:' as finpulse; use finpulse; set timezone = 'UTC'")
    for name, frame in tables.items():
        warehouse.register(name, frame)
    return warehouse


def _make(
    warehouse: duckdb.DuckDBPyConnection, model: Model, as_of: datetime, *, is_view: bool
) -> None:
    kind = "view" if is_view else "table"
    literal = f"timestamptz '{as_of.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}+00'"
    try:
        warehouse.execute(
            f"create or replace {kind} {model.relation} as ({_AS_OF.sub(literal, model.sql)})"
        )
    except duckdb.CatalogException as error:
        raise LakeError(f"{model.name} cannot be replayed: {error}") from error


def _model(node: Mapping[str, object], sources: Mapping[str, str]) -> Model:
    sql = str(node.get("compiled_code") or "")
    if not sql:
        raise LakeError(
            f"{node['name']} was not compiled by the last build", hint="materialize the marts"
        )
    own = {name for relation, name in sources.items() if relation in sql}
    for relation, name in sources.items():
        sql = sql.replace(relation, name)
    upstream = [it for it in node["depends_on"]["nodes"] if it.startswith("model.")]
    return Model(
        name=str(node["name"]),
        relation=str(node["relation_name"]),
        sql=sql,
        upstream=tuple(it.rsplit(".", 1)[-1] for it in upstream),
        sources=frozenset(it.strip('"') for it in own),
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
