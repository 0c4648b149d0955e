"""A fault has to be notified once, again while it lasts, and as ended."""

from datetime import timedelta

import pytest

from finpulse_assets.domain.monitoring.alert import Alert, Kind, Message, Phase, Severity
from finpulse_assets.orchestration.rehearsal.alert_statements import alert_statements
from finpulse_assets.orchestration.rehearsal.plan import plan_rehearsal
from finpulse_assets.settings import load_settings

PLAN = plan_rehearsal(load_settings(simulator_tickers=5, simulator_sessions=100), sessions=12)
DOWN, BACK = (PLAN.decision_at(day) for day in PLAN.faults["source down"])
KILLED, MADE_GOOD = (PLAN.decision_at(day) for day in PLAN.faults["run killed"])
EVENING = timedelta(hours=3)


def message(phase: Phase, kind: Kind, at, subject: str = "source/wire") -> Message:
    alert = Alert(kind, subject, "it is wrong", at, Severity.WARNING, "finpulse status")
    return Message(phase, alert, at + EVENING)


SILENT = [
    message(Phase.BEGAN, Kind.SOURCE_FAILED, DOWN),
    message(Phase.CONTINUES, Kind.SOURCE_FAILED, DOWN + timedelta(days=1)),
    message(Phase.ENDED, Kind.SOURCE_FAILED, BACK),
]
FAILED = [
    message(Phase.BEGAN, Kind.RUN_FAILED, KILLED, "whole_graph"),
    message(Phase.ENDED, Kind.RUN_FAILED, MADE_GOOD, "whole_graph"),
]


def failed(messages: list[Message]) -> list[str]:
    return [one.name for one in alert_statements(PLAN, messages) if not one.passed]


def test_alerts_that_tell_each_fault_hold():
    assert failed([*SILENT, *FAILED]) == []


@pytest.mark.parametrize(
    ("messages", "name"),
    [
        ([*SILENT, SILENT[0], *FAILED], "source down"),
        ([SILENT[0], SILENT[2], *FAILED], "source down"),
        ([*SILENT, FAILED[0]], "run killed"),
        (FAILED, "source down"),
    ],
    ids=["notified twice", "not again while it lasted", "did not end", "not notified"],
)
def test_alerts_that_do_not_are_named(messages, name):
    assert name in failed(messages)[0]


def test_an_alert_without_a_fault_is_named():
    stray = message(Phase.BEGAN, Kind.CHECK_FAILED, PLAN.decision_at(PLAN.days[0]), "raw/prices")
    assert failed([*SILENT, *FAILED, stray]) == [
        "no alert without a fault", "every condition has ended",
    ]  # fmt: skip
