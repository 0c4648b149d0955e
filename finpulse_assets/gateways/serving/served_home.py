"""What `finpulse serve` tells the service: whose home it serves, and which store it follows."""

from __future__ import annotations

# The home's id, and the header of /status that says it.
SERVED_HOME, HOME_HEADER = "FINPULSE_SERVED_HOME", "X-FinPulse-Home"
# The folder of the service's bentos: a newer one there is taken while the service runs.
FOLLOWED_BENTOS = "FINPULSE_FOLLOWED_BENTOS"
