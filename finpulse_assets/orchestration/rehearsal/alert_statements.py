"""Statements on the alerts of a rehearsal: each fault notified, again while it lasts, and ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from finpulse_assets.domain.monitoring.alert import Kind, Message, Phase, Severity
from finpulse_assets.orchestration.rehearsal.plan import RehearsalPlan
from finpulse_assets.orchestration.rehearsal.record import Statement

# What follows from a fault is notified by the evening of the session after its end.
AFTERMATH = timedelta(days=5)
EVENING = timedelta(hours=8)  # from a decision to the evening tick, at most
DAILY = "whole_graph"  # the job that the schedule requests
FAULTY = (Kind.RUN_FAILED, Kind.CHECK_FAILED, Kind.SOURCE_FAILED, Kind.ASSET_STALE)


@dataclass(frozen=True)
class Expected:
    """The alert that a fault makes; `subject` is part of its subject."""

    kind: Kind
    subject: str = ""
    escalates: bool = False


EXPECTED: dict[str, Expected] = {
    "source down": Expected(Kind.SOURCE_FAILED, "wire", escalates=True),
    "run killed": Expected(Kind.RUN_FAILED, DAILY),
    "prices down": Expected(Kind.RUN_FAILED, DAILY),
    "ops away": Expected(Kind.SOURCE_FAILED, "wire", escalates=True),
}


def alert_statements(plan: RehearsalPlan, messages: Sequence[Message]) -> list[Statement]:
    """Return what has to be true of the alerts.

    Args:
        plan: which faults struck, and when.
        messages: everything that was notified, in order.
    """
    faults = [
        _of_fault(plan, fault, expected, messages)
        for fault, expected in EXPECTED.items()
        if fault in plan.faults
    ]
    return [*faults, _no_false_alarm(plan, messages), _all_over(messages)]


def _of_fault(
    plan: RehearsalPlan, fault: str, expected: Expected, messages: Sequence[Message]
) -> Statement:
    first, until = _span(plan, fault)
    own = [
        m
        for m in messages
        if m.alert.kind is expected.kind
        and expected.subject in m.alert.subject
        and first <= m.at <= until
    ]
    phases = Counter(m.phase for m in own)
    again = [m for m in own if m.phase is Phase.CONTINUES]
    is_once = phases[Phase.BEGAN] == 1 and phases[Phase.ENDED] == 1
    worst = max((m.alert.severity for m in own), key=list(Severity).index, default=None)
    ended = next((m.at for m in own if m.phase is Phase.ENDED), None)
    name = f"{fault}: notified once, " + ("again while it lasted, " if expected.escalates else "")
    return Statement(
        f"{name}and ended",
        is_once and (bool(again) or not expected.escalates),
        f"{expected.kind} began {phases[Phase.BEGAN]} time(s), was notified again "
        f"{len(again)} time(s), worst {worst}, ended {ended:%Y-%m-%d}"
        if ended
        else f"{expected.kind} began {phases[Phase.BEGAN]} time(s) and did not end",
    )


def _span(plan: RehearsalPlan, fault: str) -> tuple[datetime, datetime]:
    first, ended = plan.faults[fault]
    return plan.decision_at(first), plan.decision_at(ended) + EVENING


def _no_false_alarm(plan: RehearsalPlan, messages: Sequence[Message]) -> Statement:
    spans = [_span(plan, fault) for fault in plan.faults if fault in EXPECTED]
    stray = [
        f"{m.alert.key} on {m.at:%Y-%m-%d}"
        for m in messages
        if m.phase is Phase.BEGAN
        and m.alert.kind in FAULTY
        and not any(first <= m.at <= until + AFTERMATH for first, until in spans)
    ]
    return Statement(
        "no alert without a fault", not stray, ", ".join(stray[:3]) or "every alert has its fault"
    )


def _all_over(messages: Sequence[Message]) -> Statement:
    left: set[str] = set()
    for message in messages:
        if message.alert.kind not in FAULTY:
            continue
        if message.phase is Phase.ENDED:
            left.discard(message.alert.key)
        elif message.phase is Phase.BEGAN:
            left.add(message.alert.key)
    return Statement(
        "every condition has ended", not left, ", ".join(sorted(left)[:3]) or "none is open"
    )
