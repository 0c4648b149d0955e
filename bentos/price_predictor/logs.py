"""The service's log: one JSON object a line, on the standard error, without keys and bodies."""

from __future__ import annotations

import logging

from finpulse_assets.gateways.log_lines import JsonLines

log = logging.getLogger("finpulse.service")


def begin_log(*, requests: bool) -> None:
    """Send the service's log to the standard error; with `requests`, a line for each of them."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    log.handlers[:] = [handler]
    log.setLevel(logging.DEBUG if requests else logging.INFO)
    log.propagate = False
