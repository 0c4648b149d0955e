"""Open alerts, as the automation noted them, with the runbook of each."""

from __future__ import annotations

import os
from pathlib import Path

import polars as pl

from finpulse_assets.gateways.alerts.state_file import AlertStore
from finpulse_assets.gateways.serving.dashboard_environment import RUNBOOKS

COLUMNS = {"severity": pl.String, "since": pl.Datetime("us", "UTC"), "alert": pl.String,
           "what": pl.String, "command": pl.String, "runbook": pl.String}  # fmt: skip


def open_alerts(root: Path) -> pl.DataFrame:
    """Return the open alerts of a profile, critical ones first; no row where none is.

    Columns: severity, since (UTC), alert, what, command (what to type first), runbook (a link).

    Raises:
        LakeError: the file of alerts cannot be read.
    """
    runbooks = os.environ.get(RUNBOOKS, "").rstrip("/")
    alerts = [condition.alert for condition in AlertStore(root / "alerts").load().open.values()]
    rows = [
        {"severity": str(it.severity), "since": it.since, "alert": it.key, "what": it.what,
         "command": it.command, "runbook": f"{runbooks}/{it.kind}.md"}
        for it in alerts
    ]  # fmt: skip
    return pl.DataFrame(rows, COLUMNS).sort(pl.col("severity") != "critical", "since")
