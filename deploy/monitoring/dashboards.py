"""The Grafana dashboards: made here, written to grafana/ by `make docs`, imported as they are.

A dashboard is a list of panels, a panel a question with the expressions that answer it.
https://grafana.github.io/grafana-foundation-sdk/
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import BigValueColorMode, LegendDisplayMode
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DataSourceRef,
    Threshold,
    ThresholdsMode,
)

FOLDER = Path(__file__).parent / "grafana"
SOURCE = DataSourceRef(type_val="prometheus", uid="${source}")
COUNT, SHARE, SECONDS, BYTES, AGE, RATE = (
    "short",
    "percentunit",
    "s",
    "bytes",
    "dtdurations",
    "reqps",
)
Made = TypeVar("Made", stat.Panel, timeseries.Panel)
WIDTH, HEIGHT, LOW = 12, 8, 4  # of 24 columns


@dataclass(frozen=True)
class Panel:
    """A panel.

    Args:
        title: what is to be seen.
        queries: expression by legend; `{{label}}` stands for a label's value.
        unit: of all of them.
        limit: from where on (`is_bad_above`) or below which it is bad, None where nothing is.
        is_now: whether the present value is shown, instead of its course.
    """

    title: str
    queries: dict[str, str]
    unit: str = COUNT
    limit: float | None = None
    is_bad_above: bool = True
    is_now: bool = False


BEHIND = "finpulse_table_sessions_behind"
TO_SIGNAL = (
    "histogram_quantile({}, sum by (le) "
    "(rate(finpulse_stream_message_to_signal_seconds_bucket[5m])))"
)
DASHBOARDS: dict[str, tuple[str, tuple[Panel, ...]]] = {
    "data": (
        "FinPulse: data",
        (
            Panel("Sessions that the worst table lacks", {"": "finpulse:sessions_behind:max"},
                  limit=1, is_now=True),
            Panel("Sources that did not answer", {"": "sum(1 - finpulse_source_answered)"},
                  limit=1, is_now=True),
            Panel("Sessions that each table lacks", {"{{table}}": BEHIND}, limit=1),
            Panel("Sessions since each source was asked and answered",
                  {"{{source}} {{kind}}": "finpulse_source_sessions_behind"}, limit=2),
            Panel("Share of the last delivery that was refused",
                  {"{{source}} {{kind}}": "finpulse_source_refused_share"}, SHARE, limit=0.05),
            Panel("Rows delivered in a day",
                  {"{{source}} {{kind}}": "increase(finpulse_source_delivered_rows_total[1d])"}),
            Panel("Rows that came late, in a day",
                  {"{{source}} {{kind}}": "increase(finpulse_source_late_rows_total[1d])"}),
            Panel("Rows of each table", {"{{table}}": "finpulse_table_rows"}),
            Panel("Age of the analytics snapshot, in sessions",
                  {"snapshot": "finpulse_snapshot_sessions_behind"}, limit=2),
        ),
    ),
    "model": (
        "FinPulse: model",
        (
            Panel("Proven skills", {"{{skill}}": "finpulse_skill_proven"}, is_now=True),
            Panel("Age of the champion",
                  {"": "time() - finpulse_champion_since_timestamp_seconds"}, AGE, is_now=True),
            Panel("Live rank IC with its 95 % interval",
                  {"{{bound}}": 'finpulse_live_quality{metric="rank_ic"}'}),
            Panel("Live accuracy with its 95 % interval",
                  {"{{bound}}": 'finpulse_live_quality{metric="accuracy"}'}, SHARE),
            Panel("What each skill was measured at", {"{{skill}}": "finpulse_skill_measured"}),
            Panel("Sessions that live quality is measured on",
                  {"sessions": "finpulse_live_quality_sessions"}),
            Panel("Share of the features that have drifted",
                  {"features": "finpulse_drifted_features_share"}, SHARE),
            Panel("How well recent texts are told from those of training (0.5 is chance)",
                  {"AUC": "finpulse_text_drift_auc"}, limit=0.65),
        ),
    ),
    "platform": (
        "FinPulse: platform",
        (
            Panel("Open alerts", {"{{severity}}": "sum by (severity) (finpulse_alert_open)"},
                  limit=1, is_now=True),
            Panel("Since the automation was at work",
                  {"": "time() - finpulse_automation_seen_timestamp_seconds"}, SECONDS,
                  limit=600, is_now=True),
            Panel("Jobs whose last run failed", {"{{job}}": "1 - finpulse_run_succeeded"}, limit=1),
            Panel("How long each job's last run took",
                  {"{{job}}": "finpulse_run_duration_seconds"}, SECONDS),
            Panel("Since each job last succeeded",
                  {"{{job}}": "time() - finpulse_run_success_timestamp_seconds"}, AGE),
            Panel("Runs under way", {"runs": "finpulse_runs_under_way"}),
            Panel("Free share of the disk", {"free": "finpulse:disk_free:ratio"}, SHARE,
                  limit=0.1, is_bad_above=False),
            Panel("What the parts of the home take", {"{{part}}": "finpulse_home_bytes"}, BYTES),
            Panel("Parts that the exporter cannot collect",
                  {"{{part}}": "finpulse_exporter_part_failed"}, limit=1),
            Panel("How long collecting takes",
                  {"exporter": "finpulse_exporter_collection_seconds"}, SECONDS),
        ),
    ),
    "service": (
        "FinPulse: service",
        (
            Panel("Share of requests that fail", {"": "finpulse:request_errors:ratio5m"}, SHARE,
                  limit=0.01, is_now=True),
            Panel("Newest bento cannot be trusted", {"": "finpulse_reload_failed"}, limit=1,
                  is_now=True),
            Panel("Requests a second",
                  {"{{route}} {{status}}": "finpulse:requests:rate5m"}, RATE),
            Panel("99 of 100 requests are answered within",
                  {"p99": "finpulse:request_seconds:p99_5m"}, SECONDS, limit=0.25),
            Panel("Answers that abstain, by reason",
                  {"{{reason}}": "rate(finpulse_abstentions_total[5m])"}, RATE),
            Panel("Age of the newest features", {"age": "finpulse_features_age_seconds"}, AGE),
            Panel("Answers recorded and not recorded, a second",
                  {"recorded": "rate(finpulse_ledger_entries_total[5m])",
                   "not recorded": "rate(finpulse_ledger_refused_total[5m])"}, RATE),
            Panel("Segments of answers that wait for predictions/ledger",
                  {"segments": "finpulse_ledger_waiting_segments"}),
        ),
    ),
    "stream": (
        "FinPulse: stream",
        (
            Panel("Messages that no worker has taken", {"": "finpulse_stream_waiting_messages"},
                  limit=1000, is_now=True),
            Panel("Since the oldest of them was sent",
                  {"": "time() - finpulse_stream_oldest_waiting_timestamp_seconds"}, SECONDS,
                  limit=300, is_now=True),
            Panel("Messages that each worker has not read",
                  {"{{instance}}": "finpulse_stream_lag_messages"}),
            Panel("Messages read a second",
                  {"{{instance}}": "rate(finpulse_stream_messages_total[5m])"}, RATE),
            Panel("From the sending of a message to its signal",
                  {"half within": TO_SIGNAL.format(0.5),
                   "99 of 100 within": TO_SIGNAL.format(0.99)}, SECONDS, limit=5),
            Panel("Rows a second by what became of them",
                  {"{{kind}} {{outcome}}": "rate(finpulse_stream_rows_total[5m])"}, RATE),
            Panel("Share of the time that each step takes",
                  {"{{step}}": "rate(finpulse_stream_step_seconds_sum[5m])"}, SHARE),
            Panel("Rows of tickers outside the universe",
                  {"{{instance}}": "finpulse_stream_out_of_scope_rows"}),
        ),
    ),
}  # fmt: skip


def expressions() -> Iterator[str]:
    """Yield every expression of every panel."""
    for _, panels in DASHBOARDS.values():
        for panel in panels:
            yield from panel.queries.values()


def documents() -> dict[str, str]:
    """Return the file of each dashboard: its name -> its JSON."""
    return {
        f"{name}.json": JSONEncoder(sort_keys=True, indent=2).encode(_dashboard(name)) + "\n"
        for name in DASHBOARDS
    }


def main() -> None:
    """Write the dashboards."""
    FOLDER.mkdir(exist_ok=True)
    for name, text in documents().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


def _dashboard(name: str) -> object:
    title, panels = DASHBOARDS[name]
    source = dashboard.DatasourceVariable("source").type("prometheus").label("Prometheus")
    made = (
        dashboard.Dashboard(title)
        .uid(f"finpulse-{name}")
        .tags(["finpulse"])
        .refresh("1m")
        .time("now-14d", "now")
        .timezone("utc")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .with_variable(source)
    )
    for at, panel in enumerate(panels):
        made = made.with_panel((_now if panel.is_now else _course)(panel).id(at + 1))
    return made.build()


def _now(panel: Panel) -> stat.Panel:
    made = stat.Panel().color_mode(BigValueColorMode.VALUE).height(LOW).span(WIDTH)
    last = common.ReduceDataOptions().calcs(["lastNotNull"])
    return _filled(made.reduce_options(last), panel)


def _course(panel: Panel) -> timeseries.Panel:
    made = timeseries.Panel().height(HEIGHT).span(WIDTH).fill_opacity(0).line_width(2)
    legend = common.VizLegendOptions().display_mode(LegendDisplayMode.LIST).show_legend(True)
    return _filled(made.legend(legend), panel)


def _filled(made: Made, panel: Panel) -> Made:
    made = made.title(panel.title).unit(panel.unit).datasource(SOURCE)
    if panel.limit is not None:
        made = made.thresholds(_thresholds(panel.limit, is_bad_above=panel.is_bad_above))
    for at, (legend, expression) in enumerate(panel.queries.items()):
        query = prometheus.Dataquery().expr(expression).legend_format(legend).range()
        made = made.with_target(query.ref_id("ABCDEF"[at]).datasource(SOURCE))
    return made


def _thresholds(limit: float, *, is_bad_above: bool) -> dashboard.ThresholdsConfig:
    below, above = ("green", "red") if is_bad_above else ("red", "green")
    steps = [Threshold(value=None, color=below), Threshold(value=limit, color=above)]
    return dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)


if __name__ == "__main__":
    main()
