"""Which runs and checks count as failed, and when a failed run is made good."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from typer.main import get_command

from finpulse_assets.cli.app import app
from finpulse_assets.domain.monitoring import run_rules as rules
from finpulse_assets.domain.monitoring.alert import STATUS, Severity
from finpulse_assets.domain.monitoring.run_rules import FOLLOWED_FOR, CheckOutcome, RunOutcome

NOON = datetime(2024, 3, 4, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=9)
ALL = frozenset({"a", "b", "c", "d"})
MARCH, SPRING = ("2024-03-01", "2024-03-01"), ("2024-02-01", "2024-04-01")


def run(hour: int, *, job: str = "whole_graph", assets=ALL, months=MARCH) -> RunOutcome:
    return RunOutcome(f"run-{hour:04}", job, assets, months, NOON + timedelta(hours=hour))


def failure(hour: int, *, undone: frozenset[str] | None = ALL) -> RunOutcome:
    return replace(run(hour), reason="the disk is full", undone=undone)


@pytest.mark.parametrize(
    ("later", "is_open"),
    [
        ([], True),
        ([run(2)], False),
        ([run(0)], True),
        ([run(2, months=SPRING)], False),
        ([run(2, months=("2024-04-01", "2024-04-01"))], True),
        ([run(2, assets=frozenset("ab"))], True),
        ([run(2, job="other")], True),
        ([run(2, months=None)], True),
    ],
)
def test_a_failed_run_is_open_until_its_job_succeeds_for_its_assets_and_months(later, is_open):
    found = rules.failed_runs([failure(1)], later, LATER)
    assert [a.subject for a in found.conditions] == ["whole_graph 2024-03 to 2024-03"] * is_open
    sentence = {
        "run_failed:whole_graph 2024-03 to 2024-03": "run run-0002 of the same job succeeded"
    }
    assert found.endings == ({} if is_open else sentence)


@pytest.mark.parametrize(
    ("undone", "is_open"),
    [(ALL, True), (frozenset("d"), True), (frozenset(), False), (None, True)],
)
def test_a_failed_backfill_ends_when_everything_it_was_to_make_is_made(undone, is_open):
    found = rules.failed_runs([failure(1, undone=undone)], [], LATER)
    assert len(found.conditions) == is_open
    if not is_open:
        (reason,) = found.endings.values()
        assert reason == "everything that the run was to make has been made since"


def test_a_failure_that_nobody_made_good_is_not_followed_for_ever():
    at = failure(1).ended_at + FOLLOWED_FOR
    assert len(rules.failed_runs([failure(1)], [], at).conditions) == 1
    found = rules.failed_runs([failure(1)], [], at + timedelta(minutes=1))
    assert found.conditions == ()
    (reason,) = found.endings.values()
    assert reason == "nobody made it good in 30 days, it is no longer followed"


def test_failures_of_the_same_work_are_one_alert_about_the_last():
    (found,) = rules.failed_runs([failure(3), failure(1)], [], LATER).conditions
    assert (found.since.hour, found.run_id) == (15, "run-0003")
    assert found.what == "run run-0003 failed: the disk is full"
    assert found.severity is Severity.CRITICAL


def test_a_run_without_a_job_is_named_by_its_assets():
    assert run(1, job="__ASSET_JOB", months=None).subject == "a, b, c and 1 more"


CHECKS = [
    CheckOutcome("raw/prices", "bars", False, True, True, NOON, "7 bars are negative"),
    CheckOutcome("raw/prices", "rows", True, True, True, NOON),
    CheckOutcome("raw/prices", "warns", False, False, True, NOON),
    CheckOutcome("models/evaluation", "beats", False, True, False, NOON),
    CheckOutcome("source/yahoo", "source_answered", False, True, False, NOON, "HTTP 503"),
    CheckOutcome("source/files", "source_answered", True, True, False, NOON),
    CheckOutcome("source/only", "source_answered", False, True, True, NOON, "HTTP 503"),
    CheckOutcome("source/x", "source_answered", False, False, False, NOON),
]


def test_only_blocking_checks_of_severity_error_that_fail_are_notified():
    found = rules.failed_checks(CHECKS)
    assert [(a.subject, a.since) for a in found] == [("raw/prices bars", NOON)]
    assert found[0].what.endswith("nothing after it is made: 7 bars are negative")


def test_a_source_that_did_not_answer_is_a_warning_about_it_alone():
    found, only = rules.failed_sources(CHECKS)
    assert (found.key, found.since) == ("source_failed:source/yahoo", NOON)
    assert found.severity is Severity.WARNING
    assert found.what == "source/yahoo did not answer, its rows are missing: HTTP 503"
    assert only.severity is Severity.CRITICAL, "the only source of prices"
    assert only.what.startswith("source/only did not answer, its rows are missing and nothing")


def test_the_commands_of_the_messages_exist():
    from dagster._cli.run import run_cli

    assert STATUS.split()[1] in get_command(app).commands
    _dagster, group, name, *options = rules.RUNS.split()
    assert (group, name) == (run_cli.name, "list")
    assert "--limit" in options
    assert any("--limit" in parameter.opts for parameter in run_cli.commands[name].params)
