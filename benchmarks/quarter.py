"""A quarter: 65 sessions with every fault, as `finpulse rehearse` lives through them."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from measured import verdict

from finpulse_assets.cli.rehearse import print_statements, run_rehearsal

LIMIT_CPU_MINUTES = 30

with tempfile.TemporaryDirectory() as folder:
    statements, _ = run_rehearsal(Path(folder) / "home", 65)
spent = os.times()
minutes = (spent.user + spent.system + spent.children_user + spent.children_system) / 60
print_statements(statements)
print(f"{minutes:.1f} min of CPU")
verdict(
    {
        "every statement holds": all(one.passed for one in statements),
        f"in {LIMIT_CPU_MINUTES} min of CPU": minutes <= LIMIT_CPU_MINUTES,
    }
)
