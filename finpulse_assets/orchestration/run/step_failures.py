"""Failed steps and starts: our own errors become the failure's sentence, without its wall of stack.

Dagster shows a `dg.Failure` of a step as it is, and wraps any other error in three tracebacks. The
traceback of ours goes to the step's stderr, where a developer finds it. What a resource raises as
the run starts it wraps too, but for errors of its own: such a run fails with `STARTED_WRONGLY`,
whose message is our sentence, above Dagster's stack.

https://docs.dagster.io/api/dagster/ops#dagster.Failure
https://docs.dagster.io/api/dagster/errors
"""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import dagster as dg

from finpulse_assets.errors import FinPulseError
from finpulse_assets.orchestration.run.bodies import Body, with_bodies, with_body

STARTED_WRONGLY = dg.DagsterInvariantViolationError


@contextmanager
def failing_in_one_sentence() -> Iterator[None]:
    """Raise our own errors as the failure of a step, of which Dagster shows the sentence."""
    try:
        yield
    except FinPulseError as error:
        traceback.print_exc()
        raise dg.Failure(str(error)) from None


@contextmanager
def starting_in_one_sentence() -> Iterator[None]:
    """Raise our own errors, as a resource is made, as the failure of the run."""
    try:
        yield
    except FinPulseError as error:
        traceback.print_exc()
        raise STARTED_WRONGLY(str(error)) from None


def with_sentences(definitions: dg.Definitions) -> dg.Definitions:
    """Return the definitions with every asset and check failing in one sentence."""
    return with_bodies(definitions, lambda computed: with_body(computed, _guarded))


def _guarded(body: Body) -> Body:
    @wraps(body)
    def compute(*args: Any, **kwargs: Any) -> Any:
        with failing_in_one_sentence():
            made = body(*args, **kwargs)
        return _guarded_events(made) if inspect.isgenerator(made) else made

    return compute


def _guarded_events(events: Iterator[Any]) -> Iterator[Any]:
    with failing_in_one_sentence():
        yield from events
