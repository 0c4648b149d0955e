"""`finpulse demo` from nothing, as `make demo` runs it after installation."""

from __future__ import annotations

import tempfile
from pathlib import Path

from measured import finpulse, verdict

LIMIT_SECONDS, LIMIT_GB = 120, 3.0

with tempfile.TemporaryDirectory() as folder:
    first = finpulse(["demo"], Path(folder))
    again = finpulse(["demo"], Path(folder))
print(f"demo from nothing  {first.seconds:6.1f} s  {first.peak_gb:5.2f} GB peak")
print(f"demo again         {again.seconds:6.1f} s  {again.peak_gb:5.2f} GB peak")
print(f"ratio              {first.seconds / again.seconds:6.2f}")
verdict(
    {
        f"from nothing in {LIMIT_SECONDS} s": first.seconds <= LIMIT_SECONDS,
        f"under {LIMIT_GB:.0f} GB": max(first.peak_gb, again.peak_gb) < LIMIT_GB,
    }
)
