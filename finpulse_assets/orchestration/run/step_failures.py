"""Failed steps: our own errors become the failure's sentence, without the wall of stack.

Dagster shows a `dg.Failure` as it is, and wraps any other error in three tracebacks. The traceback
of ours goes to the step's stderr, where a developer finds it.

https://docs.dagster.io/api/dagster/ops#dagster.Failure
"""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from functools import wraps
from typing import Any, TypeVar

import dagster as dg

from finpulse_assets.errors import FinPulseError
from finpulse_assets.orchestration.run.dagster_internals import DecoratedOpFunction, replace

Computed = TypeVar("Computed", bound=dg.AssetsDefinition)


@contextmanager
def failing_in_one_sentence() -> Iterator[None]:
    """Raise our own errors as the failure of a step, of which Dagster shows the sentence."""
    try:
        yield
    except FinPulseError as error:
        traceback.print_exc()
        raise dg.Failure(str(error)) from None


def with_sentences(definitions: dg.Definitions) -> dg.Definitions:
    """Return the definitions with every asset and check failing in one sentence."""
    # One that a second module imports stands in the list twice, and must stay one.
    assets = {id(it): it for it in definitions.assets or ()}
    checks = {id(it): it for it in definitions.asset_checks or ()}
    return replace(
        definitions,
        assets=[_with_sentence(it) for it in assets.values()],
        asset_checks=[_with_sentence(it) for it in checks.values()],
    )


def _with_sentence(computed: Computed) -> Computed:
    if not isinstance(computed, dg.AssetsDefinition) or not computed.is_executable:
        return computed
    # Copies: the definition in its module is called by its tests as it stands.
    guarded, op = copy(computed), copy(computed.op)
    op._compute_fn = DecoratedOpFunction(_guarded(op.compute_fn.decorated_fn))
    guarded._computation = replace(computed._computation, node_def=op)
    return guarded


def _guarded(body: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(body)
    def compute(*args: Any, **kwargs: Any) -> Any:
        with failing_in_one_sentence():
            made = body(*args, **kwargs)
        return _guarded_events(made) if inspect.isgenerator(made) else made

    return compute


def _guarded_events(events: Iterator[Any]) -> Iterator[Any]:
    with failing_in_one_sentence():
        yield from events
