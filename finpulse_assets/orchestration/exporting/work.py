"""Numbers of what is at work: runs, alerts, the automation, the ledger, the stream, files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import dagster as dg

from finpulse_assets.domain.monitoring import measures
from finpulse_assets.domain.monitoring.alert_state import undelivered
from finpulse_assets.domain.monitoring.measures import Sample
from finpulse_assets.gateways.alerts.state_file import AlertStore
from finpulse_assets.gateways.serving.ledger import waiting_since
from finpulse_assets.gateways.sources.stream.held import STREAM
from finpulse_assets.settings import Settings

Samples = Iterator[Sample | None]
LOOKED_AT = 200  # the newest runs; a job that ran before all of them has no numbers
SUCCESS, FAILURE = dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE
UNDER_WAY = (dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING)


def runs(instance: dg.DagsterInstance) -> Samples:
    """Yield the last run of each job among the newest 200 runs, and the last that succeeded."""
    records = instance.get_run_records(limit=LOOKED_AT)
    yield measures.RUNS_UNDER_WAY(sum(it.dagster_run.status in UNDER_WAY for it in records))
    ended: dict[str, dg.RunRecord] = {}
    succeeded: dict[str, dg.RunRecord] = {}
    for record in records:
        run = record.dagster_run
        if run.status in (SUCCESS, FAILURE):
            ended.setdefault(run.job_name, record)
        if run.status is SUCCESS:
            succeeded.setdefault(run.job_name, record)
    for job, record in ended.items():
        end, start = record.end_time, record.start_time
        yield measures.RUN_ENDED(end, job)
        yield measures.RUN_SECONDS(end - start if end and start else None, job)
        yield measures.RUN_SUCCEEDED(record.dagster_run.status is SUCCESS, job)
    for job, record in succeeded.items():
        yield measures.RUN_SUCCESS(record.end_time, job)


def alerts(settings: Settings, now: datetime) -> Samples:
    """Yield what is open and what waits; nothing where the automation never ran."""
    store = AlertStore(settings.alerts)
    yield measures.AUTOMATION_SEEN(store.heartbeat())
    state = store.load()
    yield measures.ALERTS_WAITING(undelivered(state))
    for condition in state.open.values():
        alert = condition.alert
        is_seen_to = "yes" if condition.is_acknowledged(now) else "no"
        yield measures.ALERT_OPEN(1, alert.kind, alert.subject, alert.severity, is_seen_to)


def ledger(settings: Settings) -> Samples:
    """Yield how many segments wait for predictions/ledger, and since when the oldest does."""
    begun = waiting_since(settings.ledger)
    yield measures.LEDGER_WAITING(len(begun))
    yield measures.LEDGER_OLDEST(min(begun, default=None))


def stream(settings: Settings) -> Samples:
    """Yield what waits for a worker of the stream; nothing where the stream is no source.

    Raises:
        SettingError, SourceError: the broker cannot be asked.
    """
    if STREAM not in settings.source_names:
        return
    from finpulse_assets.orchestration.stream.start import kafka_of

    kafka = kafka_of(settings)  # says so where the client is not installed
    from finpulse_assets.gateways.sources.stream.waiting import waiting

    found = waiting(kafka, settings.kafka_group)
    yield measures.STREAM_WAITING(found.messages)
    yield measures.STREAM_OLDEST(found.oldest_at)


def size_of(folder: Path) -> int:
    """Return the bytes of all files below a folder; one that goes meanwhile counts for nothing."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(Path(place, name)).st_size
            except FileNotFoundError:
                continue
    return total
