"""A step that fails with an error of ours shows its sentence and hint, and no wall of stack."""

from collections.abc import Iterator

import dagster as dg
import polars as pl
import pytest

from finpulse_assets.cli.graph_run import failure_of as failure_of_run
from finpulse_assets.definitions import defs
from finpulse_assets.errors import LakeError
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.orchestration.alerting.failures import sentence_of
from finpulse_assets.orchestration.alerting.runs import failure_reason
from finpulse_assets.orchestration.run.clock import RunClock
from finpulse_assets.orchestration.run.lake_io import lake_io_manager
from finpulse_assets.orchestration.run.resources import build_resources
from finpulse_assets.orchestration.run.step_failures import with_sentences
from finpulse_assets.settings import load_settings

SENTENCE = "raw/prices lacks 2024-05. Hint: run finpulse run"


def fail() -> None:
    try:
        raise OSError("No such file or directory")
    except OSError as error:
        raise LakeError("raw/prices lacks 2024-05", hint="run finpulse run") from error


class Config(dg.Config):
    """Something that a body takes."""

    size: int = 1


@dg.asset
def function(context: dg.AssetExecutionContext, config: Config) -> None:
    assert (context.asset_key.path, config.size) == (["function"], 1)
    fail()


@dg.asset
def generator() -> Iterator[dg.MaterializeResult]:
    yield dg.MaterializeResult(metadata={"rows": 1})
    fail()


@dg.asset
def sound() -> int:
    return 1


@dg.asset_check(asset=sound)
def check(sound: int) -> dg.AssetCheckResult:
    fail()
    return dg.AssetCheckResult(passed=sound == 1)


def failure_of(definitions: dg.Definitions, *names: str) -> dg.DagsterEvent:
    job = definitions.resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(
            instance=instance, raise_on_error=False, asset_selection=[dg.AssetKey(n) for n in names]
        )
    (failure,) = (event for event in result.all_events if event.is_step_failure)
    return failure


@pytest.mark.parametrize("name", ["function", "generator", "sound"])
def test_a_failed_step_shows_the_sentence_first_and_no_cause(name, capfd):
    loaded = dg.Definitions(assets=[function, generator, sound], asset_checks=[check])
    failure = failure_of(with_sentences(loaded), name)
    data = failure.step_failure_data
    assert data.user_failure_data.description == f"{SENTENCE}."
    assert data.error.message.strip().endswith(f"Failure: {SENTENCE}.")
    assert data.error.cause is None
    assert sentence_of(failure) == SENTENCE
    assert "OSError: No such file" in capfd.readouterr().err, "developers find the whole there"


def test_what_is_not_ours_keeps_its_stack():
    @dg.asset
    def broken() -> None:
        raise ValueError("a mistake of the code")

    failure = failure_of(with_sentences(dg.Definitions(assets=[broken])), "broken")
    assert sentence_of(failure) == "ValueError: a mistake of the code"
    assert failure.step_failure_data.error.cause.stack


def test_the_io_manager_fails_in_one_sentence_too(tmp_path):
    @dg.asset(ins={"prices": dg.AssetIn(["raw", "prices"])})
    def reader(prices: pl.LazyFrame) -> None:
        del prices

    resources = {"io_manager": lake_io_manager(Lake(tmp_path)), "clock": None}
    loaded = dg.Definitions(assets=[dg.AssetSpec(["raw", "prices"]), reader], resources=resources)
    assert "raw/prices" in sentence_of(failure_of(loaded, "reader"))


def test_every_asset_and_check_of_the_platform_is_guarded():
    repository = defs().get_repository_def()
    nodes = {it.node_def for it in repository.assets_defs_by_key.values() if it.is_executable}
    nodes |= {it.node_def for it in repository.asset_checks_defs_by_key.values()}
    assert len(nodes) > 40
    assert [it.name for it in nodes if not hasattr(it.compute_fn.decorated_fn, "__wrapped__")] == []


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"as_of": "2024-03-01", "start_date": "2024-04-01"}, "the data begins on 2024-04-01"),
        ({"sources": "files"}, "no source of prices is configured: the source files needs prices"),
    ],
)
def test_a_run_that_a_setting_stops_says_so_before_any_stack(tmp_path, capfd, settings, sentence):
    @dg.asset
    def reader(clock: dg.ResourceParam[RunClock]) -> None:
        pytest.fail(f"it was run at {clock.as_of}")

    resources = build_resources(load_settings(home=tmp_path, **settings))
    loaded = dg.Definitions(assets=[reader], resources=resources, executor=dg.in_process_executor)
    job = loaded.resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(instance=instance, raise_on_error=False)
        told = failure_reason(instance, result.run_id)
    (failure,) = (e for e in result.all_events if e.event_type == dg.DagsterEventType.RUN_FAILURE)
    assert sentence in failure.event_specific_data.error.message
    assert failure.event_specific_data.error.cause is None
    assert sentence in told and ". Hint: " in told and "Error" not in told
    assert failure_of_run(result) == f"the run failed before its first step: {told}"
    assert "SettingError" in capfd.readouterr().err, "developers find the whole there"


def test_a_run_that_was_noted_as_failed_says_why():
    job = dg.Definitions(assets=[sound]).resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.ephemeral() as instance:
        run = instance.create_run_for_job(job)
        instance.report_run_failed(run, "the process 7 of this run is gone")
        assert failure_reason(instance, run.run_id) == "the process 7 of this run is gone"
