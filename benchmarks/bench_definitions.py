"""Loading the definitions, against a bare `import dagster` in the same run."""

from __future__ import annotations

import os
import statistics
import sys

from measured import run, verdict

LIMIT_SECONDS, REPEATS = 5.0, 3


def seconds(statement: str) -> float:
    """Return the median time of a fresh interpreter that runs one statement."""
    command = [sys.executable, "-W", "ignore", "-c", statement]
    return statistics.median(run(command, os.environ).seconds for _ in range(REPEATS))


load = "from finpulse_assets.definitions import defs; defs()"
seconds(load)  # parses the dbt project where that was not done yet
bare, loaded = seconds("import dagster"), seconds(load)
print(f"import dagster      {bare:5.2f} s")
print(f"load definitions    {loaded:5.2f} s")
print(f"over it             {loaded - bare:5.2f} s, ratio {loaded / bare:.2f}")
verdict({f"at most {LIMIT_SECONDS:.0f} s over a bare import": loaded - bare <= LIMIT_SECONDS})
