"""One look at the platform: what is wrong now, and telling it to those who asked.

Fetching the facts from the Dagster instance and the files of a profile, and the tick that turns
them into delivered messages.
https://docs.dagster.io/guides/automate/sensors

Facts are read whole in each tick rather than caught as events, so nothing is missed while the
daemon is down, and a state that was lost is told anew instead of never.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from finpulse_assets.domain.monitoring.alert_state import (
    AlertState,
    Kind,
    Message,
    Observation,
    advance,
    claimed,
    delivered,
    next_due,
)
from finpulse_assets.errors import FinPulseError
from finpulse_assets.gateways.alerts.apprise import AlertSender
from finpulse_assets.gateways.alerts.state_file import AlertStore

# A sensor's tick is ended by Dagster after 60 s; what is left is sent by the next one.
SENDING_SECONDS = 30.0

Look = Callable[[AlertState, datetime], Observation]


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
    look: Look,
    sender: AlertSender,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Tick | None:
    """Look once, tell what is new, and beat; None where another evaluator is at work.

    What is to be told is written before anything is sent: a disk that refuses the state stops the
    tick, not the second message of the same.

    Raises:
        LakeError: the state cannot be read or written.
    """
    with store.claimed() as is_mine:
        if not is_mine:
            return None
        before, at = store.load(), now()
        state, messages = advance(before, look(before, at), sender.destinations, at)
        if state != before:
            store.save(state)
        tick = Tick(messages=messages, open_count=len(state.open))
        state = _deliver(store, state, sender, now, tick)
        tick.waiting = len(state.outbox)
        store.beat(now())
        return tick


def _deliver(
    store: AlertStore,
    state: AlertState,
    sender: AlertSender,
    now: Callable[[], datetime],
    tick: Tick,
) -> AlertState:
    started = time.monotonic()
    while time.monotonic() - started < SENDING_SECONDS and (item := next_due(state, now())):
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


def observation(
    sources: Iterator[tuple[frozenset[Kind], Callable[[], Observation]]], problems: list[str]
) -> Observation:
    """Return what all sources found; the kinds of one that fails are left as they were.

    Args:
        sources: the kinds that a source speaks of, and its look.
        problems: gets the sentence of each source that fails.
    """
    found = Observation()
    for kinds, look in sources:
        try:
            seen = look()
        except FinPulseError as error:
            problems.append(str(error))
            seen = Observation(unseen=kinds)
        found = Observation(
            conditions=(*found.conditions, *seen.conditions),
            happened=(*found.happened, *seen.happened),
            unseen=found.unseen | seen.unseen,
        )
    return found
