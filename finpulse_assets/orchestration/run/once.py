"""Work done once: a step whose inputs, settings and code are as they were is not made again.

A step says by `op_tags=ONCE` that what it makes follows from its declared inputs, the settings, the
clock of the run, its config, the code, and what it made itself the last time. The digest of these
is the data version of what it makes (of a check: the entry `made_from`). Where the last
materialization has that version, its files lie there as it left them and its checks passed, the
step reports the same again, with `unchanged_since` naming the run that made it. What follows from
no data of a day has the tag TIMELESS: the clock does not count for it. Steps that look outside, or
whose work is kept by other means (scores by text, rows by month), have no such tag.

A run tag `finpulse/force` (`finpulse run --force`) makes everything again.
https://docs.dagster.io/guides/build/assets/asset-versioning-and-caching
"""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property, partial, wraps
from graphlib import TopologicalSorter
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from re import match
from typing import Any

import dagster as dg

from finpulse_assets.orchestration.catalog.metadata import LAKE_TABLES
from finpulse_assets.orchestration.dbt.project import source_files
from finpulse_assets.orchestration.run.bodies import Body, with_bodies, with_body
from finpulse_assets.orchestration.run.dagster_internals import DATA_VERSION_TAG, DECIDED
from finpulse_assets.orchestration.training.training_plan import TRAIN_FROM_TAG

ONCE = {"finpulse/once": "true"}
TIMELESS = {**ONCE, "finpulse/timeless": "true"}
FORCE_TAG = "finpulse/force"
MADE_FROM, FILES, UNCHANGED_SINCE = "made_from", "files", "unchanged_since"
PACKAGE = Path(__file__).parents[2]
# What a run is about: the rest of its tags says who started it, and when.
TAGS_THAT_MATTER = (TRAIN_FROM_TAG,)


def with_work_done_once(definitions: dg.Definitions) -> dg.Definitions:
    """Return the definitions; steps tagged ONCE look first whether they have to work."""

    def once(computed: dg.AssetsDefinition) -> dg.AssetsDefinition:
        if not ONCE.items() <= computed.op.tags.items():
            return computed
        guard = partial(_looking_first, computed)
        return with_body(computed, guard, resources={"settings", "clock"})

    code_version()  # of the code that is loaded, not of what an editor writes while it runs
    return with_bodies(definitions, once)


def _looking_first(computed: dg.AssetsDefinition, body: Body) -> Body:
    @wraps(body)
    def compute(*args: Any, **kwargs: Any) -> Any:
        step = _Step(dg.OpExecutionContext.get(), computed)
        if held := step.unchanged():
            step.context.log.info("unchanged: inputs, settings and code are as they were")
            return held[0] if len(held) == 1 else (it for it in held)
        made = body(*args, **kwargs)
        if inspect.isgenerator(made):
            return (step.noted(it) for it in made)
        return step.noted(made)

    return compute


@dataclass
class _Step:
    """One step of a run: what it would be made from, and what it made the last time."""

    context: dg.OpExecutionContext
    computed: dg.AssetsDefinition

    @cached_property
    def made_from(self) -> str:
        """The digest of everything that what the step makes follows from."""
        resources, run = self.context.resources, self.context.run
        clock = resources.clock
        is_timeless = TIMELESS.items() <= self.computed.op.tags.items()
        is_of_months = self.context.has_partition_key or self.context.has_partition_key_range
        inputs = set(self.computed.keys_by_input_name.values()) - set(self.computed.keys)
        parts = {
            "code": code_version(),
            "settings": resources.settings.model_dump(mode="json"),
            "plan": files_below(plan) if (plan := resources.settings.ranking_plan) else "",
            "home": str(resources.settings.root),  # which a setting may name by a relative path
            "clock": [] if is_timeless else [str(clock.as_of), str(clock.start_date)],
            "config": self.context.op_config,
            "tags": {name: run.tags.get(name) for name in TAGS_THAT_MATTER},
            "months": sorted(self.context.partition_keys) if is_of_months else [],
            "inputs": {key.to_user_string(): self._state_of(key) for key in inputs},
        }
        return _digest(json.dumps(parts, sort_keys=True, default=str))

    def unchanged(self) -> list[Any]:
        """Return what the last run reported, where this one would make the same; else nothing."""
        if FORCE_TAG in self.context.run.tags:
            return []
        chosen, deps = set(self.context.selected_asset_keys), self.computed.asset_deps
        # Parents first, as Dagster wants them.
        held = [
            self._held_asset(key) for key in TopologicalSorter(deps).static_order() if key in chosen
        ]
        held += [self._held_check(key) for key in self.context.selected_asset_check_keys]
        return [] if None in held else held

    def noted(self, made: Any) -> Any:
        """Return what a body has made, with what it was made from."""
        data_version = dg.DataVersion(self.made_from)
        if isinstance(made, dg.AssetCheckResult):
            made_from = dg.MetadataValue.text(self.made_from)
            return made._replace(metadata={**made.metadata, MADE_FROM: made_from})
        if isinstance(made, dg.MaterializeResult):
            metadata = {**(made.metadata or {}), **_files_named_in(made.metadata or {})}
            checks = [self.noted(check) for check in made.check_results]
            return made._replace(metadata=metadata, data_version=data_version, check_results=checks)
        if isinstance(made, dg.Output):
            return dg.Output(
                made.value,
                made.output_name,
                metadata={**made.metadata, **_files_named_in(made.metadata)},
                data_version=data_version,
                tags=made.tags,
            )
        return dg.MaterializeResult(value=made, data_version=data_version)

    def _held_asset(self, key: dg.AssetKey) -> dg.MaterializeResult | None:
        record = self.context.instance.get_latest_materialization_event(key)
        held = record and record.asset_materialization
        if not held or held.tags.get(DATA_VERSION_TAG) != self.made_from:
            return None
        if any(
            held.metadata[FILES].value != now for now in _files_named_in(held.metadata).values()
        ):
            return None
        since = {UNCHANGED_SINCE: dg.MetadataValue.dagster_run(record.run_id)}
        return dg.MaterializeResult(
            asset_key=key,
            # Held twice: its order stands, plots first, and so does the run that it names itself.
            metadata={**held.metadata, **since, **held.metadata},
            data_version=dg.DataVersion(self.made_from),
        )

    def _held_check(self, key: dg.AssetCheckKey) -> dg.AssetCheckResult | None:
        storage = self.context.instance.event_log_storage
        history = storage.get_asset_check_execution_history(key, limit=1, status=DECIDED)
        held = history[0].evaluation if history else None
        if held is None or not held.passed:
            return None
        made_from = held.metadata.get(MADE_FROM)
        if made_from is None or made_from.value != self.made_from:
            return None
        return dg.AssetCheckResult(
            asset_key=key.asset_key,
            check_name=key.name,
            passed=True,
            severity=held.severity,
            description=held.description,
            metadata=held.metadata,
        )

    def _state_of(self, key: dg.AssetKey) -> str:
        """Return what an input is like: the files of a table, else the version and its files."""
        table = LAKE_TABLES.get(key.to_user_string())
        if table is not None:
            return files_below(self.context.resources.settings.lake / table.name)
        record = self.context.instance.get_latest_materialization_event(key)
        held = record and record.asset_materialization
        if not held:
            return ""
        # A file may have gone on since: a rollback adds to the history of decisions.
        files = _files_named_in(held.metadata).values()
        return " ".join([held.tags.get(DATA_VERSION_TAG, ""), *files])


def files_below(path: Path) -> str:
    """Return a digest of the names, sizes and times of a file, or of all files in a folder.

    Files whose name begins with a point are those of a writer at work, and do not count.

    >>> files_below(Path("absent"))
    ''
    """
    files = [path] if path.is_file() else sorted(it for it in path.rglob("*") if it.is_file())
    lines = [
        f"{it.relative_to(path)} {it.stat().st_size} {it.stat().st_mtime_ns}"
        for it in files
        if not it.name.startswith(".")
    ]
    return _digest("\n".join(lines)) if lines else ""


@cache
def code_version() -> str:
    """Return a digest of FinPulse's own code, its dbt project and the packages that it names."""
    own = [it for it in PACKAGE.rglob("*.py") if it.parent.name != "cli"]
    contents = [it.read_bytes() for it in sorted([*own, *source_files()])]
    return _digest(b"\0".join([*contents, *(name.encode() for name in _packages())]))


def _packages() -> Iterator[str]:
    for requirement in requires("finpulse") or ():
        name = match(r"[\w.-]+", requirement)[0]
        try:
            yield f"{name} {version(name)}"
        except PackageNotFoundError:  # of an extra that is not installed
            continue


def _digest(content: str | bytes) -> str:
    """Return a short name for a content: two that differ have different ones."""
    raw = content.encode() if isinstance(content, str) else content
    return hashlib.sha256(raw).hexdigest()[:16]


def _files_named_in(metadata: Mapping[str, Any]) -> dict[str, str]:
    path = metadata.get("path")
    return {FILES: files_below(Path(path.value))} if path is not None else {}
