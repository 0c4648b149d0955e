"""Failed runs, and what each of them has left undone, from the Dagster instance.

A run is asked for when it failed lately, or by its id while its alert is open, so that the cost
does not grow with the age of a failure. Whether it was made good is read from the assets: which
were materialized since it failed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import dagster as dg
from dagster import DagsterEventType

from finpulse_assets.domain.monitoring.run_rules import RunOutcome
from finpulse_assets.orchestration.alerting.failures import sentence_of
from finpulse_assets.orchestration.run.dagster_internals import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    PARTITION_NAME_TAG,
)

MOST_RUNS = 500  # of a storm of failures the newest: the others are of the same work
LATER_RUNS = 50


@dataclass(frozen=True)
class RunHistory:
    """The runs of an instance, against the assets and jobs of a code location."""

    instance: dg.DagsterInstance
    repository: dg.RepositoryDefinition

    def failures(self, *, since: datetime, known: Collection[str]) -> list[RunOutcome]:
        """Return the last failure of each piece of work, with what is still undone of it.

        Args:
            since: failures before this UTC time are found by `known` alone.
            known: ids of failed runs whose alerts are open; one that was deleted is left out.
        """
        failed = [dg.DagsterRunStatus.FAILURE]
        asked = [dg.RunsFilter(statuses=failed, updated_after=since)]
        if known:
            asked.append(dg.RunsFilter(statuses=failed, run_ids=list(known)))
        records = [r for f in asked for r in self.instance.get_run_records(f, limit=MOST_RUNS)]
        outcomes = {r.dagster_run.run_id: self._outcome(r) for r in records}
        ordered = sorted(outcomes.values(), key=lambda outcome: outcome.ended_at)
        latest = {outcome.subject: outcome for outcome in ordered}
        return [self._judged(outcome) for outcome in latest.values()]

    def successes(self, failures: Iterable[RunOutcome]) -> list[RunOutcome]:
        """Return the successes of the jobs of `failures` since the first of them, the newest 50."""
        first: dict[str, datetime] = {}
        for failed in failures:
            first[failed.job] = min(failed.ended_at, first.get(failed.job, failed.ended_at))
        succeeded = [dg.DagsterRunStatus.SUCCESS]
        records = [
            record
            for job, since in first.items()
            for record in self.instance.get_run_records(
                dg.RunsFilter(job_name=job, statuses=succeeded, updated_after=since),
                limit=LATER_RUNS,
            )
        ]
        return [self._outcome(record) for record in records]

    def _outcome(self, record: dg.RunRecord) -> RunOutcome:
        run, ended = record.dagster_run, record.end_time
        chosen = run.asset_selection
        assets = frozenset(key.to_user_string() for key in chosen) if chosen else None
        return RunOutcome(
            run_id=run.run_id,
            job=run.job_name,
            assets=self._assets_of(run.job_name) if assets is None else assets,
            months=_months(run.tags),
            ended_at=datetime.fromtimestamp(ended, UTC) if ended else record.update_timestamp,
        )

    def _assets_of(self, job: str) -> frozenset[str]:
        if not self.repository.has_job(job):
            return frozenset()
        keys = self.repository.get_job(job).asset_layer.selected_asset_keys
        return frozenset(key.to_user_string() for key in keys)

    def _judged(self, failed: RunOutcome) -> RunOutcome:
        undone = undone_of(self.instance, self.repository.asset_graph, failed)
        return replace(failed, undone=undone, reason=failure_reason(self.instance, failed.run_id))


def undone_of(
    instance: dg.DagsterInstance, graph: dg.AssetGraph, failed: RunOutcome
) -> frozenset[str] | None:
    """Return the assets of `failed` that were not materialized since, None where none is known.

    An asset that the code no longer has cannot be made good and does not count.
    """
    if not failed.assets:
        return None
    present = graph.materializable_asset_keys
    keys = [key for key in map(dg.AssetKey.from_user_string, failed.assets) if key in present]
    done = {record.asset_entry.asset_key: record for record in instance.get_asset_records(keys)}
    undone = set()
    for key in keys:
        last = done[key].asset_entry.last_materialization_record if key in done else None
        partitions = graph.get(key).partitions_def
        is_newer = last is not None and last.timestamp > failed.ended_at.timestamp()
        if not is_newer or (
            partitions is not None and _lacks_months(instance, key, failed, partitions)
        ):
            undone.add(key.to_user_string())
    return frozenset(undone)


def _lacks_months(
    instance: dg.DagsterInstance,
    key: dg.AssetKey,
    failed: RunOutcome,
    partitions: dg.PartitionsDefinition,
) -> bool:
    """Whether a month of `failed` has no materialization after it."""
    if failed.months is None:
        return False
    months = partitions.get_partition_keys_in_range(dg.PartitionKeyRange(*failed.months))
    before = dg.AssetRecordsFilter(asset_key=key, before_timestamp=failed.ended_at.timestamp())
    held = instance.fetch_materializations(before, limit=1).records
    threshold = held[0].storage_id if held else 0
    latest = instance.event_log_storage.get_latest_storage_id_by_partition(
        key, DagsterEventType.ASSET_MATERIALIZATION, set(months)
    )
    return any(latest.get(month, 0) <= threshold for month in months)


def failure_reason(instance: dg.DagsterInstance, run_id: str) -> str:
    """Return the sentence of the first failed step of a run, or of the run itself."""
    kinds = {DagsterEventType.STEP_FAILURE, DagsterEventType.RUN_FAILURE}
    found = instance.get_records_for_run(run_id, of_type=kinds, limit=20).records
    events = [record.event_log_entry.dagster_event for record in found]
    for event in events:
        if event.is_step_failure:
            return f"step {event.step_key.replace('__', '/')}: {sentence_of(event)}"
    return sentence_of(events[0]) if events else "no reason was given"


def _months(tags: Mapping[str, str]) -> tuple[str, str] | None:
    one = tags.get(PARTITION_NAME_TAG)
    first = tags.get(ASSET_PARTITION_RANGE_START_TAG, one)
    last = tags.get(ASSET_PARTITION_RANGE_END_TAG, one)
    return (first, last) if first and last else None
