"""A quarter: 65 sessions with every fault, as `finpulse rehearse` lives through them."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from measured import verdict

from finpulse_assets.cli.rehearse import print_statements, run_rehearsal

LIMIT_MINUTES = 25

started = time.monotonic()
with tempfile.TemporaryDirectory() as folder:
    statements, _ = run_rehearsal(Path(folder) / "home", 65)
minutes = (time.monotonic() - started) / 60
print_statements(statements)
print(f"{minutes:.1f} min")
verdict(
    {
        "every statement holds": all(one.passed for one in statements),
        f"in {LIMIT_MINUTES} min": minutes <= LIMIT_MINUTES,
    }
)
