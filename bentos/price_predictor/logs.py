"""The service's log: one JSON object a line, on the standard error, without keys and bodies."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

NAME = "finpulse.service"
FIELDS = ("request_id", "route", "status", "ms", "key")
log = logging.getLogger(NAME)


class JsonLines(logging.Formatter):
    """Writes a record as JSON, with the fields of a request where it has any."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line."""
        said = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
        }
        said |= {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}
        if record.exc_info:
            said["traceback"] = self.formatException(record.exc_info)
        return json.dumps(said)


def begin_log(*, requests: bool) -> None:
    """Send the service's log to the standard error; with `requests`, a line for each of them."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    log.handlers[:] = [handler]
    log.setLevel(logging.DEBUG if requests else logging.INFO)
    log.propagate = False
