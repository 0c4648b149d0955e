"""One tick of the alerts: collect what is wrong now, notify what is new, note the heartbeat.

https://docs.dagster.io/guides/automate/sensors

Facts are read whole in each tick rather than caught as events, so nothing is missed while the
daemon is down, and a state that was lost is notified anew instead of never.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from finpulse_assets.domain.monitoring.alert import Message
from finpulse_assets.domain.monitoring.alert_state import (
    AlertState,
    Observation,
    advance,
    claimed,
    delivered,
    next_due,
)
from finpulse_assets.errors import FinPulseError
from finpulse_assets.gateways.alerts.apprise import AlertSender
from finpulse_assets.gateways.alerts.state_file import AlertStore
from finpulse_assets.gateways.clock import Now

# A sensor's tick is ended by Dagster after 60 s; what is left is sent by the next one.
SENDING_TIME = timedelta(seconds=30)

Collect = Callable[[AlertState, datetime], Observation]


@dataclass
class Tick:
    """What a tick did; `problems` are sentences about destinations and sources that failed."""

    messages: tuple[Message, ...] = ()
    open_count: int = 0
    sent: int = 0
    waiting: int = 0
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.open_count} open, {len(self.messages)} new, {self.sent} delivered, "
            f"{self.waiting} waiting"
        )


def evaluate(
    store: AlertStore,
    collect: Collect,
    sender: AlertSender,
    *,
    now: Now,
) -> Tick | None:
    """Collect, notify what is new, note the heartbeat; None where another evaluator is at work.

    What is to be notified is written before anything is sent: a disk that refuses the state stops
    the tick, not the second message of the same.

    Raises:
        LakeError: the state cannot be read or written.
    """
    with store.claimed() as is_mine:
        if not is_mine:
            return None
        before, at = store.load(), now()
        state, messages = advance(before, collect(before, at), sender.destinations, at)
        if state != before:
            store.save(state)
        tick = Tick(messages=messages, open_count=len(state.open))
        state = _deliver(store, state, sender, now, tick)
        tick.waiting = len(state.outbox)
        store.note_heartbeat(now())
        return tick


def _deliver(
    store: AlertStore,
    state: AlertState,
    sender: AlertSender,
    now: Now,
    tick: Tick,
) -> AlertState:
    started = now()
    while now() - started < SENDING_TIME and (item := next_due(state, now())):
        state = claimed(state, item, now())
        store.save(state)
        try:
            sender.send(item.destination, item.message)
        except FinPulseError as error:
            tick.problems.append(str(error))
            continue
        state = delivered(state, item)
        store.save(state)
        tick.sent += 1
    return state
