"""The platform lives through 8 sessions: a month edge, the DST night, and three faults.

The long form, 65 sessions with every fault, is `benchmarks/quarter.py`.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from finpulse_assets.cli.rehearse import run_rehearsal
from finpulse_assets.orchestration.rehearsal import plan
from finpulse_assets.orchestration.rehearsal.statements import BY_AGE

SESSIONS = 8
FIRST = date(2025, 10, 27)
# As close as they can follow each other: the killed run is the last of the month.
FAULTS = {"source down": (1, 3), "run killed": (4, 5), "late delivery": (6, 7)}
SETTINGS = {
    "FINPULSE_SIMULATOR_TICKERS": "4",
    "FINPULSE_SIMULATOR_SESSIONS": "160",
    "FINPULSE_RESAMPLES": "100",
    "FINPULSE_MODEL_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "HF_HUB_OFFLINE": "1",
}


@pytest.mark.long
def test_a_month_edge_a_silent_source_a_kill_and_late_texts(
    new_home: Path, monkeypatch: pytest.MonkeyPatch
):
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(plan, "FIRST_SESSION", FIRST)
    monkeypatch.setattr(plan, "FAULTS", FAULTS)
    statements, lines = run_rehearsal(new_home, SESSIONS)
    assert len(lines) == SESSIONS + 1, "the run that makes the home, and each session"
    failed = [f"{one.name}: {one.figures}" for one in statements if not one.passed]
    assert not failed
    names = "\n".join(one.name for one in statements)
    for said in ("by hash", "source down", "run killed", "late delivery", "without a fault"):
        assert said in names
    assert any(f"{BY_AGE} success" in line for line in lines), "the model was retrained by its age"
