"""The file of a tuned plan: JSON, written whole."""

from __future__ import annotations

from pathlib import Path

from finpulse_assets.domain.evaluation.tuning import TunedPlan
from finpulse_assets.errors import ModelError, SettingError
from finpulse_assets.gateways.atomic import written_atomically


def read_plan(path: Path) -> TunedPlan:
    """Return the plan that a file holds.

    Raises:
        SettingError: there is no such file, or it cannot be read.
        ModelError: it is no tuned plan.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise SettingError(
            f"FINPULSE_RANKING_PLAN is {path}, which cannot be read: {error.strerror}",
            hint="`finpulse tune` writes such a file; unset it for the default settings",
        ) from error
    try:
        return TunedPlan.from_json(text)
    except ModelError as error:
        raise ModelError(
            f"{path}: {error}", hint="run `finpulse tune`, or unset FINPULSE_RANKING_PLAN"
        ) from error


def write_plan(path: Path, plan: TunedPlan) -> None:
    """Write the plan.

    Raises:
        LakeError: the disk refuses it.
    """
    with written_atomically(path) as temporary:
        temporary.write_text(plan.to_json(), encoding="utf-8")
