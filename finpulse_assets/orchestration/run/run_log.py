"""The log of a run on the standard error of its process, as JSON lines where the setting says so.

https://docs.dagster.io/guides/log-debug/logging
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

import dagster as dg

from finpulse_assets.gateways.log_lines import JsonLines


class RunLines(JsonLines):
    """Writes a record of Dagster: its own sentence, and the run, job, asset and event it is of."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line."""
        found = getattr(record, "dagster_meta", None)
        if found:
            plain = dict(record.__dict__, msg=found["orig_message"], args=())
            record = logging.makeLogRecord(plain)
        return super().format(record)

    def about(self, record: logging.LogRecord) -> Mapping[str, object]:
        """Return the ids of the run, the step and the event."""
        found = getattr(record, "dagster_meta", None) or {}
        event, step = found.get("dagster_event"), found.get("step_key")
        ids = {
            "run_id": found.get("run_id"),
            "job": found.get("job_name"),
            "asset": step and step.replace("__", "/"),
            "event": event and event.event_type_value,
        }
        return {name: value for name, value in ids.items() if value}


def json_logger(init: dg.InitLoggerContext) -> logging.Logger:
    """Return the logger that a run writes to in place of Dagster's coloured one."""
    handler = logging.StreamHandler()
    handler.setFormatter(RunLines())
    made = logging.Logger("dagster", (init.logger_config or {}).get("log_level", "INFO"))
    made.addHandler(handler)
    return made
