"""A stale table reaches a webhook: exporter, Prometheus, its rule, Alertmanager, for real."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue

import pytest
import yaml

from finpulse_assets.cli.exporter import LOOPBACK, server_of
from finpulse_assets.orchestration.exporting.collect import Exporter
from finpulse_assets.schemas import DAILY_SIGNALS
from tests.fakes.alert_sink import running
from tests.fakes.ports import free_port
from tests.integration.alert_platform import platform_in, stale_signals

FOLDER = Path(__file__).parents[2] / "deploy" / "monitoring"
PROGRAMS = ("prometheus", "prometheus-alertmanager")
PATIENCE_SECONDS = 60


class Webhook(ThreadingHTTPServer):
    """Takes the messages of Alertmanager."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__((LOOPBACK, 0), _Handler)
        self.received: Queue[dict] = Queue()


class _Handler(BaseHTTPRequestHandler):
    server: Webhook

    def do_POST(self) -> None:
        self.server.received.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keep the log of the tests clean."""


def configured(folder: Path, *, exporter: int, alertmanager: int, webhook: int) -> None:
    """Write the delivered configurations for these ports, without any waiting."""
    shutil.copy(FOLDER / "alertmanager.tmpl", folder)
    config = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
    config["global"] |= {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"] = [
        f"{LOOPBACK}:{alertmanager}"
    ]
    config["scrape_configs"] = config["scrape_configs"][:1]
    config["scrape_configs"][0]["static_configs"][0]["targets"] = [f"{LOOPBACK}:{exporter}"]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    rules = yaml.safe_load((FOLDER / "rules.yml").read_text())
    for rule in (rule for group in rules["groups"] for rule in group["rules"]):
        if "for" in rule:
            rule["for"] = "0s"
    (folder / "rules.yml").write_text(yaml.safe_dump(rules))
    alerts = yaml.safe_load((FOLDER / "alertmanager.yml").read_text())
    waits = {"group_wait": "0s", "group_interval": "1s"}
    alerts["route"] |= {"receiver": "webhook", "routes": [], **waits}
    alerts["receivers"] = alerts["receivers"][:1]
    alerts["receivers"][0]["webhook_configs"][0]["url"] = f"http://{LOOPBACK}:{webhook}/"
    (folder / "alertmanager.yml").write_text(yaml.safe_dump(alerts))


@contextmanager
def started(folder: Path, name: str, *arguments: str) -> Iterator[None]:
    with (folder / f"{name}.log").open("w") as log:
        process = subprocess.Popen(
            [name, *arguments], cwd=folder, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            yield
        finally:
            process.terminate()
            process.wait(60)


@pytest.mark.skipif(
    not all(map(shutil.which, PROGRAMS)), reason=f"{' or '.join(PROGRAMS)} is not installed"
)
def test_a_stale_table_reaches_the_webhook(tmp_path):
    port, alertmanager = free_port(), free_port()
    with platform_in(tmp_path / "home") as platform, Webhook() as webhook, running(webhook):
        stale_signals(platform, begins=True)
        watched = Exporter(platform.settings, platform.instance, lambda: platform.at)
        exporter = server_of(watched.text, LOOPBACK, 0)
        configured(tmp_path, exporter=exporter.server_port, alertmanager=alertmanager,
                   webhook=webhook.server_port)  # fmt: skip
        with (
            running(exporter),
            started(tmp_path, "prometheus-alertmanager", "--config.file=alertmanager.yml",
                    f"--web.listen-address={LOOPBACK}:{alertmanager}",
                    "--cluster.listen-address=", "--storage.path=alerts"),
            started(tmp_path, "prometheus", "--config.file=prometheus.yml",
                    f"--web.listen-address={LOOPBACK}:{port}", "--storage.tsdb.path=numbers"),
        ):  # fmt: skip
            alert = None
            while alert is None:  # until it comes, or none does for so long
                message = webhook.received.get(timeout=PATIENCE_SECONDS)
                found = {it["labels"]["alertname"]: it for it in message["alerts"]}
                alert = found.get("FinpulseTableStale")
    assert (message["status"], message["groupLabels"]) == ("firing", {"domain": "data"})
    assert alert["labels"]["table"] == DAILY_SIGNALS.name
    assert alert["annotations"]["summary"] == f"{DAILY_SIGNALS.name} lacks 2 sessions"
    assert alert["annotations"]["runbook"] == "docs/runbooks/asset_stale.md"
