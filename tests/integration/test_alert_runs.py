"""The alert of a failed run ends when what it left undone is made, and its scan does not grow."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from finpulse_assets.domain.monitoring.run_rules import failed_runs
from finpulse_assets.errors import SourceError
from finpulse_assets.orchestration.alerting.runs import RunHistory
from finpulse_assets.orchestration.automation.schedule import span_tags
from finpulse_assets.orchestration.run.partitions import MONTHS

SPRING = ("2024-03-01", "2024-05-01")


class World:
    fails = False


@dg.asset(partitions_def=MONTHS, backfill_policy=dg.BackfillPolicy.single_run())
def texts() -> None:
    if World.fails:
        raise SourceError("the vendor is down")


@dg.asset(deps=[texts])
def model() -> None: ...


DEFS = dg.Definitions(
    assets=[texts, model],
    jobs=[dg.define_asset_job("whole_graph"), dg.define_asset_job("retrain", [model])],
)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    World.fails = False
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def run(instance: dg.DagsterInstance, first: str, last: str, *, fails: bool = False) -> str:
    World.fails = fails
    job = DEFS.resolve_job_def("whole_graph")
    return job.execute_in_process(
        instance=instance, tags=span_tags(first, last), raise_on_error=False
    ).run_id


def alone(instance: dg.DagsterInstance, month: str) -> None:
    """Materialize a month of the texts as the UI does: a run of assets, of no job of ours."""
    dg.materialize([texts], instance=instance, tags=span_tags(month, month))


def history(instance: dg.DagsterInstance) -> RunHistory:
    return RunHistory(instance, DEFS.get_repository_def())


def open_subjects(instance: dg.DagsterInstance) -> list[str]:
    now = datetime.now(UTC)
    found = history(instance).failures(since=now - timedelta(days=1), known=[])
    judged = failed_runs(found, history(instance).successes(found), now)
    return [alert.subject for alert in judged.conditions]


def test_a_failed_backfill_is_made_good_month_by_month_by_whatever_runs(instance):
    for month in ("2024-03-01", "2024-04-01", "2024-05-01"):
        run(instance, month, month)
    run(instance, *SPRING, fails=True)
    assert open_subjects(instance) == ["whole_graph 2024-03 to 2024-05"]
    (failed,) = history(instance).failures(since=datetime(2024, 1, 1, tzinfo=UTC), known=[])
    assert failed.undone == {"texts", "model"}
    assert failed.reason == "step texts: the vendor is down"
    run(instance, "2024-05-01", "2024-06-01")
    alone(instance, "2024-03-01")
    assert open_subjects(instance) == ["whole_graph 2024-03 to 2024-05"], "April is missing"
    alone(instance, "2024-04-01")
    assert open_subjects(instance) == []


def test_a_failure_of_a_month_is_not_made_good_by_the_next_month(instance):
    run(instance, "2024-03-01", "2024-03-01", fails=True)
    run(instance, "2024-04-01", "2024-04-01")
    assert open_subjects(instance) == ["whole_graph 2024-03 to 2024-03"]


def test_a_failed_retraining_is_superseded_by_any_later_model(instance):
    broken = dg.Definitions(
        assets=[dg.asset(_broken, name="model")], jobs=[dg.define_asset_job("retrain")]
    )
    job = broken.resolve_job_def("retrain")
    job.execute_in_process(instance=instance, raise_on_error=False)
    assert open_subjects(instance) == ["retrain"]
    run(instance, "2024-06-01", "2024-06-01")
    assert open_subjects(instance) == []


def _broken() -> None:
    raise SourceError("no training set")


def test_old_failures_are_asked_for_by_id_alone_and_a_deleted_run_is_gone(instance):
    old = run(instance, *SPRING, fails=True)
    later = datetime.now(UTC) + timedelta(days=9)
    asked: list[dg.RunsFilter] = []
    records = instance.get_run_records

    def counting(filters: dg.RunsFilter, **options: object) -> object:
        asked.append(filters)
        return records(filters, **options)

    instance.get_run_records = counting
    assert history(instance).failures(since=later, known=[]) == []
    (found,) = history(instance).failures(since=later, known=[old])
    assert found.run_id == old
    assert [filters.updated_after for filters in asked] == [later, later, None]
    assert asked[-1].run_ids == [old]
    instance.delete_run(old)
    assert history(instance).failures(since=later, known=[old]) == []


def test_an_asset_that_the_code_has_no_more_cannot_keep_a_failure_open(instance):
    run(instance, *SPRING, fails=True)
    other = dg.Definitions(assets=[model], jobs=[dg.define_asset_job("whole_graph")])
    dg.materialize([model], instance=instance)
    (found,) = RunHistory(instance, other.get_repository_def()).failures(
        since=datetime(2024, 1, 1, tzinfo=UTC), known=[]
    )
    assert found.undone == frozenset()
