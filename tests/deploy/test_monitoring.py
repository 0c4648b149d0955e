"""Rules, dashboards and configurations: sound, tested, and about numbers that exist."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from grafana_foundation_sdk.models.dashboard import Dashboard

from bentos.price_predictor import metrics
from bentos.price_predictor.routes import GAUGES
from deploy.monitoring import dashboards
from finpulse_assets.domain.monitoring import measures
from finpulse_assets.orchestration.stream.metrics import StreamMetrics

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "monitoring"
RULES = [
    rule
    for group in yaml.safe_load((FOLDER / "rules.yml").read_text())["groups"]
    for rule in group["rules"]
]
ALERTS = {rule["alert"]: rule for rule in RULES if "alert" in rule}
NAME = re.compile(r'(?<!")\bfinpulse[_:][a-z0-9_:]+')

ENDS = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}


def program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed (Debian: prometheus, prometheus-alertmanager)")
    return found


def checked(*command: str | Path) -> str:
    done = subprocess.run(
        [program(str(command[0])), *map(str, command[1:])],
        capture_output=True, text=True, check=False, cwd=FOLDER,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def known_names() -> set[str]:
    """Return the name of every number of the exporter, the service, the stream and the rules."""
    of_service = {it.name for it in metrics.ALL} | {f"finpulse_{name}" for name in GAUGES}
    parts = {f"{it.name}_bucket" for it in metrics.ALL if it.kind == "histogram"}
    recorded = {rule["record"] for rule in RULES if "record" in rule}
    of_stream = {
        name
        for metric in StreamMetrics().registry.collect()
        for name in (f"{metric.name}{end}" for end in ENDS[metric.type])
    }
    return {it.name for it in measures.ALL} | of_service | parts | recorded | of_stream


def test_the_configurations_pass_their_own_checks():
    assert "SUCCESS" in checked("promtool", "check", "config", "prometheus.yml")
    assert "SUCCESS" in checked("amtool", "check-config", "alertmanager.yml")


def test_each_alert_fires_and_is_silent_as_its_tests_say():
    assert "SUCCESS" in checked("promtool", "test", "rules", "rules_test.yml")
    tests = yaml.safe_load((FOLDER / "rules_test.yml").read_text())["tests"]
    shown = {
        (case["alertname"], bool(case["exp_alerts"]))
        for test in tests
        for case in test["alert_rule_test"]
    }
    assert shown == {(name, fires) for name in ALERTS for fires in (True, False)}


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_says_how_bad_what_to_do_and_has_a_runbook(name):
    rule = ALERTS[name]
    assert rule["labels"]["severity"] in ("warning", "critical")
    assert rule["labels"]["domain"] in ("data", "model", "platform", "service")
    assert rule["annotations"]["action"].split()[0] in ("finpulse", "dagster", "curl")
    page = rule["annotations"]["runbook"].removeprefix("{{ $externalLabels.runbooks }}/")
    assert (ROOT / "docs" / "runbooks" / page).exists()


@pytest.mark.parametrize(
    "expression", [*dict.fromkeys(dashboards.expressions()), *(rule["expr"] for rule in RULES)]
)
def test_an_expression_names_numbers_that_exist(expression):
    assert set(NAME.findall(expression)) <= known_names()


def test_every_number_is_watched_or_shown():
    """A number that nothing reads is one too many; the champion's name is for people."""
    text = " ".join([*dashboards.expressions(), *(rule["expr"] for rule in RULES)])
    unread = {it.name for it in measures.ALL} - set(NAME.findall(text))
    assert unread == {
        "finpulse_champion_info", "finpulse_source_requested_timestamp_seconds",
        "finpulse_run_ended_timestamp_seconds", "finpulse_snapshot_as_of_timestamp_seconds",
        "finpulse_exporter_collected_timestamp_seconds", "finpulse_source_refused_rows_total",
    }  # fmt: skip


def test_every_expression_of_the_dashboards_is_one(tmp_path):
    rules = [
        {"record": f"panel:{at}", "expr": expression}
        for at, expression in enumerate(dashboards.expressions())
    ]
    path = tmp_path / "panels.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    assert f"{len(rules)} rules found" in checked("promtool", "check", "rules", path)


def test_the_dashboards_are_those_of_the_code():
    written = {path.name: path.read_text() for path in (FOLDER / "grafana").iterdir()}
    assert written == dashboards.documents(), "run `make docs`"


def test_a_dashboard_can_be_imported():
    uids = set()
    for text in dashboards.documents().values():
        content = json.loads(text)
        uids.add(content["uid"])
        panels = Dashboard.from_json(content).panels
        assert len({panel.id_val for panel in panels}) == len(panels)
        places = [(p.grid_pos.x, p.grid_pos.y) for p in panels]
        assert len(set(places)) == len(panels), "two panels lie on each other"
        assert all(panel.title and panel.targets for panel in panels)
    assert len(uids) == len(dashboards.DASHBOARDS)
