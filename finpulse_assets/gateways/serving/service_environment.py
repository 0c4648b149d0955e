"""What `finpulse serve` tells the service, as variables of its environment."""

from __future__ import annotations

from enum import StrEnum

# Whose home it serves, by its id, and the header of /status that says so.
SERVED_HOME, HOME_HEADER = "FINPULSE_SERVED_HOME", "X-FinPulse-Home"
# The folder of the service's bentos: a newer one there is taken while the service runs.
FOLLOWED_BENTOS = "FINPULSE_FOLLOWED_BENTOS"
# The ledger's folder, without which there is none, and how firmly answers are recorded.
LEDGER_FOLDER, LEDGER_MODE = "FINPULSE_LEDGER_FOLDER", "FINPULSE_SERVICE_LEDGER"
# The file of the service's keys, without which callers on its own machine alone are answered.
KEYS = "FINPULSE_SERVICE_KEYS"
# Where the sentiment scorer listens, by default on this machine.
SENTIMENT_URL, DEFAULT_SENTIMENT_URL = "FINPULSE_SENTIMENT_URL", "http://127.0.0.1:3011"
# The lake and the dbt manifest of the home, to which texts and prices of a request are added, and
# the languages of its texts.
LAKE_FOLDER, MARTS_MANIFEST = "FINPULSE_SERVED_LAKE", "FINPULSE_SERVED_MARTS"
TEXT_LANGUAGES = "FINPULSE_SERVED_LANGUAGES"
# The collector that gets the traces, without which there are none.
TRACES = "FINPULSE_SERVICE_TRACES"
# What is logged: errors, or requests.
LOG = "FINPULSE_SERVICE_LOG"

# Where replicas find the newest features, and those of which profile; without it, in the bundle.
ONLINE_STORE, PROFILE = "FINPULSE_ONLINE_STORE", "FINPULSE_PROFILE"


class LedgerMode(StrEnum):
    """How firmly answers are recorded."""

    OFF = "off"
    ON = "on"
    REQUIRED = "required"
    DURABLE = "durable"
