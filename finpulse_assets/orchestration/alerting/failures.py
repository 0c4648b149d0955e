"""Why a step or a run failed: our own sentence among Dagster's wrappings.

Reading an error of Dagster's event log.
"""

from __future__ import annotations

import dagster as dg

from finpulse_assets.errors import FinPulseError
from finpulse_assets.orchestration.run.step_failures import STARTED_WRONGLY


def sentence_of(event: dg.DagsterEvent) -> str:
    """Return our sentence of a failed step or run, else the class and message of its root error.

    Ours is what the step or the start of the run failed with (`run.step_failures`). Any other error
    Dagster wraps in its own.
    """
    failure = event.step_failure_data.user_failure_data if event.is_step_failure else None
    if failure is not None and failure.description:
        return failure.description.rstrip(".")
    ours = {cls.__name__ for cls in (*FinPulseError.__subclasses__(), STARTED_WRONGLY)}
    data = event.event_specific_data  # None of a run that others noted as failed
    error = data.error if data else None
    while error is not None:
        name = error.cls_name or "Error"
        sentence = error.message.strip().split(f"{name}: ", 1)[-1]  # without the module's name
        if name in ours:
            return sentence.rstrip(".")
        if error.cause is None:
            return f"{name}: {sentence}"
        error = error.cause
    return event.message or "no reason was given"
