"""`finpulse status` and `finpulse doctor`, against a bare `import polars` in the same run."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from measured import FINPULSE, cpu_seconds, environment_of, finpulse, verdict

LIMIT, REPEATS = 4.0, 5
# The size of the market hardly counts: of a table they read a column or two.
SMALL = {
    "FINPULSE_SIMULATOR_TICKERS": "5",
    "FINPULSE_SIMULATOR_SESSIONS": "260",
    "FINPULSE_FOLDS": "2",
    "FINPULSE_SENTIMENT_MODEL": "tiny",
    "FINPULSE_PUBLISH": "false",
}

bare = cpu_seconds([sys.executable, "-c", "import polars"], os.environ, repeats=REPEATS)
print(f"import polars   {bare:5.2f} s of CPU")
claims = {}
with tempfile.TemporaryDirectory() as folder:
    home = Path(folder)
    finpulse(["demo"], home, SMALL)
    for name in ("status", "doctor"):
        took = cpu_seconds([*FINPULSE, name], environment_of(home, SMALL), repeats=REPEATS)
        print(f"{name:<15} {took:5.2f} s of CPU, {took / bare:.1f} x import polars")
        claims[f"{name}: at most {LIMIT:.0f} x import polars"] = took <= LIMIT * bare
verdict(claims)
