"""Logs as JSON lines, which Loki and its like take as they are: one object a line, no colours."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime

from finpulse_assets.domain.monitoring.alert import PASSWORD_IN_URL

# What a line is about, where it is about one: a request of the service, or a step of a run.
FIELDS = ("request_id", "route", "status", "ms", "key", "run_id", "job", "asset", "event")


class JsonLines(logging.Formatter):
    """Writes a record as JSON, with those of `FIELDS` that it has; a URL loses its password."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line."""
        said = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            **self.about(record),
        }
        if record.exc_info:
            said["traceback"] = self.formatException(record.exc_info)
        return PASSWORD_IN_URL.sub("", json.dumps(said))

    def about(self, record: logging.LogRecord) -> Mapping[str, object]:
        """Return what the record is about."""
        return {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}
