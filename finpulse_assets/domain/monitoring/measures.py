"""The numbers that ops watch: each by name, with what it means, and as text for Prometheus.

https://prometheus.io/docs/instrumenting/exposition_formats/

Times are Unix seconds, so that a rule takes them from `time()`; ages would stand still between two
collections. The prediction service has metrics of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
PREFIX = "finpulse_"


@dataclass(frozen=True)
class Measure:
    """One number: its name without the prefix, what it means, its labels.

    It is called with a value and the values of its labels to make a sample.
    """

    short_name: str
    meaning: str
    labels: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return PREFIX + self.short_name

    @property
    def kind(self) -> str:
        """A counter only grows; a gauge goes both ways."""
        return "counter" if self.short_name.endswith("_total") else "gauge"

    def __call__(self, value: float | datetime | None, *values: str) -> Sample | None:
        """Return a sample; None of a value that is not known."""
        if value is None:
            return None
        number = value.timestamp() if isinstance(value, datetime) else float(value)
        return Sample(self, number, values)


@dataclass(frozen=True)
class Sample:
    """What a measure is now, for one value of each of its labels."""

    measure: Measure
    value: float
    values: tuple[str, ...]

    def line(self) -> str:
        pairs = zip(self.measure.labels, self.values, strict=True)
        labels = ",".join(f'{name}="{_escaped(value)}"' for name, value in pairs)
        return f"{self.measure.name}{f'{{{labels}}}' if labels else ''} {self.value:.15g}\n"


TABLE_BEHIND = Measure("table_sessions_behind", "Sessions that a table lacks.", ("table",))
TABLE_ROWS = Measure("table_rows", "Rows of a table.", ("table",))
TABLE_READABLE = Measure("table_readable", "0 while a file of a table cannot be read.", ("table",))
SOURCE_BEHIND = Measure(
    "source_sessions_behind",
    "Sessions decided since the end of what a source was asked for and answered.",
    ("source", "kind"),
)
SOURCE_ANSWERED = Measure(
    "source_answered", "0 where the last request was not answered whole.", ("source", "kind")
)
SOURCE_REQUESTED = Measure(
    "source_requested_timestamp_seconds", "As-of time of the last request.", ("source", "kind")
)
SOURCE_ROWS = Measure(
    "source_delivered_rows_total", "Rows that a source delivered.", ("source", "kind")
)
SOURCE_REFUSED = Measure(
    "source_refused_rows_total", "Delivered rows that were refused.", ("source", "kind")
)
SOURCE_LATE = Measure(
    "source_late_rows_total",
    "New rows that an earlier request should have brought.",
    ("source", "kind"),
)
SOURCE_REFUSED_SHARE = Measure(
    "source_refused_share", "Share of the last delivery that was refused.", ("source", "kind")
)
RUN_ENDED = Measure("run_ended_timestamp_seconds", "When a job's last run ended.", ("job",))
RUN_SECONDS = Measure("run_duration_seconds", "How long a job's last run took.", ("job",))
RUN_SUCCEEDED = Measure("run_succeeded", "0 where a job's last run failed.", ("job",))
RUN_SUCCESS = Measure(
    "run_success_timestamp_seconds", "When a job's last successful run ended.", ("job",)
)
RUNS_UNDER_WAY = Measure("runs_under_way", "Runs that have started and not ended.")
DRIFTED_SHARE = Measure("drifted_features_share", "Share of the features that have drifted.")
DRIFTED = Measure("drifted", "1 where the latest report finds drift.", ("subject",))
TEXT_AUC = Measure(
    "text_drift_auc", "How well recent texts are told from those of training; 0.5 is chance."
)
CHAMPION = Measure("champion_info", "1 for the champion.", ("candidate",))
CHAMPION_SINCE = Measure("champion_since_timestamp_seconds", "When the champion was promoted.")
SKILL_PROVEN = Measure("skill_proven", "Whether a skill of the champion is proven.", ("skill",))
SKILL_MEASURED = Measure("skill_measured", "What a skill was measured at.", ("skill",))
PROOF_LOST = Measure("proof_lost", "1 where the champion lost its proof and has none yet.")
LIVE = Measure("live_quality", "The champion on its own matured predictions.", ("metric", "bound"))
LIVE_SESSIONS = Measure("live_quality_sessions", "Sessions that live quality is measured on.")
ALERT_OPEN = Measure(
    "alert_open", "1 for each open alert.", ("kind", "subject", "severity", "acknowledged")
)
ALERTS_WAITING = Measure("alerts_undelivered", "Messages that a destination did not take yet.")
AUTOMATION_SEEN = Measure(
    "automation_seen_timestamp_seconds", "When the sensor of the alerts was last at work."
)
LEDGER_WAITING = Measure(
    "ledger_waiting_segments", "Segments of the service that predictions/ledger does not hold yet."
)
LEDGER_OLDEST = Measure(
    "ledger_oldest_waiting_timestamp_seconds", "When the oldest of them was begun."
)
STREAM_WAITING = Measure(
    "stream_waiting_messages", "Messages of the stream that no worker has taken."
)
STREAM_OLDEST = Measure(
    "stream_oldest_waiting_timestamp_seconds", "When the oldest of them was sent."
)
SNAPSHOT_BEHIND = Measure(
    "snapshot_sessions_behind", "Sessions decided since the newest analytics snapshot."
)
SNAPSHOT_AS_OF = Measure(
    "snapshot_as_of_timestamp_seconds", "As-of time of the newest analytics snapshot."
)
DISK_FREE = Measure("disk_free_bytes", "Free space of the disk that holds the home.")
DISK_SIZE = Measure("disk_size_bytes", "Size of that disk.")
HOME_BYTES = Measure("home_bytes", "What the files of a part of the home take.", ("part",))
PART_FAILED = Measure("exporter_part_failed", "1 where a part could not be collected.", ("part",))
COLLECTED = Measure("exporter_collected_timestamp_seconds", "When these numbers were collected.")
COLLECT_SECONDS = Measure("exporter_collection_seconds", "How long collecting them took.")

ALL = (
    TABLE_BEHIND, TABLE_ROWS, TABLE_READABLE, SOURCE_BEHIND, SOURCE_ANSWERED, SOURCE_REQUESTED,
    SOURCE_ROWS, SOURCE_REFUSED, SOURCE_LATE, SOURCE_REFUSED_SHARE, RUN_ENDED, RUN_SECONDS,
    RUN_SUCCEEDED, RUN_SUCCESS, RUNS_UNDER_WAY, DRIFTED_SHARE, DRIFTED, TEXT_AUC, CHAMPION,
    CHAMPION_SINCE, SKILL_PROVEN, SKILL_MEASURED, PROOF_LOST, LIVE, LIVE_SESSIONS, ALERT_OPEN,
    ALERTS_WAITING, AUTOMATION_SEEN, LEDGER_WAITING, LEDGER_OLDEST, STREAM_WAITING, STREAM_OLDEST,
    SNAPSHOT_BEHIND, SNAPSHOT_AS_OF, DISK_FREE, DISK_SIZE, HOME_BYTES, PART_FAILED, COLLECTED,
    COLLECT_SECONDS,
)  # fmt: skip


def exposition(samples: Iterable[Sample | None]) -> str:
    r"""Return samples as text, those of a measure together; None stands for what is not known.

    >>> print(exposition([TABLE_ROWS(7, 'a"b'), TABLE_BEHIND(None, "a")]))
    # HELP finpulse_table_rows Rows of a table.
    # TYPE finpulse_table_rows gauge
    finpulse_table_rows{table="a\"b"} 7
    """
    found: dict[Measure, list[Sample]] = {}
    for sample in samples:
        if sample is not None:
            found.setdefault(sample.measure, []).append(sample)
    return "".join(
        f"# HELP {it.name} {it.meaning}\n# TYPE {it.name} {it.kind}\n"
        + "".join(sample.line() for sample in found[it])
        for it in ALL
        if it in found
    )


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
