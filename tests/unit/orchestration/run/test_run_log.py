"""A run's log as JSON lines: each with its run, job and asset, without passwords."""

import json
from collections.abc import Iterator

import dagster as dg
import pytest

from finpulse_assets.orchestration.run.dagster_internals import write_runs_with
from finpulse_assets.orchestration.run.run_log import json_logger


@pytest.fixture
def json_runs() -> Iterator[None]:
    before = dg.colored_console_logger.logger_fn
    write_runs_with(json_logger)
    yield
    write_runs_with(before)


@dg.asset(key_prefix="raw")
def prices(context: dg.AssetExecutionContext) -> None:
    context.log.warning("3 rows of postgres://me:secret@host/db were refused")
    raise ValueError("a bar is negative")


def test_each_line_of_a_run_says_what_it_is_about(json_runs, capsys):
    done = dg.materialize([prices], raise_on_error=False)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert {line["run_id"] for line in lines} == {done.run_id}
    (said,) = [line for line in lines if "refused" in line["message"]]
    assert said["message"] == "3 rows of postgres://host/db were refused"
    assert (said["level"], said["asset"]) == ("warning", "raw/prices")
    (failed,) = [line for line in lines if line.get("event") == "STEP_FAILURE"]
    assert (failed["level"], failed["asset"]) == ("error", "raw/prices")
    assert all("\x1b" not in line["message"] for line in lines)
