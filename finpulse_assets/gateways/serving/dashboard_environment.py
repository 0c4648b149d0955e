"""What `finpulse dashboard` tells the dashboard, as variables of its environment."""

from __future__ import annotations

# The profile's folder with the snapshot, where the service is asked, where the runbooks lie.
ROOT = "FINPULSE_DASHBOARD_ROOT"
SERVICE = "FINPULSE_DASHBOARD_SERVICE"
RUNBOOKS = "FINPULSE_DASHBOARD_RUNBOOKS"
# The key that is sent to the service, which is a setting too.
KEY = "FINPULSE_SERVICE_KEY"
