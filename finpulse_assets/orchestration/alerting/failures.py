"""Why a step failed: our own sentence among Dagster's wrappings.

Reading an error of Dagster's event log.
"""

from __future__ import annotations

import dagster as dg

from finpulse_assets.errors import FinPulseError


def sentence_of(event: dg.DagsterEvent) -> str:
    """Return the sentence of a failed step, else the class and message of the error at its root.

    Ours is what the step failed with (`run.step_failures`). Any other error Dagster wraps in its
    own.
    """
    failure = event.step_failure_data.user_failure_data
    if failure is not None and failure.description:
        return failure.description.rstrip(".")
    ours = {cls.__name__ for cls in FinPulseError.__subclasses__()}
    error = event.step_failure_data.error
    while error is not None:
        name = error.cls_name or "Error"
        sentence = error.message.strip().removeprefix(f"finpulse_assets.errors.{name}: ")
        if name in ours:
            return sentence.rstrip(".")
        if error.cause is None:
            return f"{name}: {sentence.removeprefix(f'{name}: ')}"
        error = error.cause
    return "no reason was given"
