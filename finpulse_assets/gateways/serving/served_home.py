"""How a service knows whose home it serves, by its id, and the header of /status that says so."""

from __future__ import annotations

SERVED_HOME, HOME_HEADER = "FINPULSE_SERVED_HOME", "X-FinPulse-Home"
