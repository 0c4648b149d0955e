"""Each alert arrives when it begins, while it lasts and when it ends, by webhook and by mail."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from threading import Thread

import pytest

from finpulse_assets.cli.status_report import table_statuses
from finpulse_assets.domain.monitoring.alert import Kind
from finpulse_assets.gateways.alerts.apprise import AppriseSender
from finpulse_assets.gateways.alerts.state_file import AlertStore
from finpulse_assets.orchestration.alerting.tick import Tick
from finpulse_assets.schemas import DAILY_SIGNALS, PRICES
from tests.fakes.alert_sink import Received
from tests.integration.alert_platform import (
    RUNBOOKS,
    Platform,
    World,
    decide,
    drift,
    fail_run,
    fail_source,
    overdue_asset,
    platform_in,
    stale_signals,
)


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    with platform_in(tmp_path) as made:
        yield made


CONDITIONS: list[tuple[Kind, Callable[..., None], str, str]] = [
    (Kind.RUN_FAILED, fail_run, "whole_graph", "failed: step raw/prices: the disk is full"),
    (Kind.SOURCE_FAILED, fail_source, "source/vendor", "source/vendor did not answer"),
    (Kind.ASSET_STALE, stale_signals, DAILY_SIGNALS.name, "lacks 2 sessions to 2024-03-05"),
    (Kind.ASSET_OVERDUE, overdue_asset, "raw/prices", "freshness policy allows"),
    (Kind.DRIFT, drift, "features", "1 of 1 features drifted on 2024-03-01, most of all return_1d"),
]


def about(received: list[Received], kind: Kind) -> list[Received]:
    return [message for message in received if f": {kind} " in message.title]


@pytest.mark.parametrize(
    ("kind", "make", "subject", "what"), CONDITIONS, ids=[row[0].value for row in CONDITIONS]
)
def test_an_alert_fires_once_resolves_once_and_carries_its_runbook(
    platform, kind, make, subject, what
):
    make(platform, begins=True)
    for _ in range(3):
        platform.tick()
    make(platform, begins=False)
    for _ in range(3):
        platform.tick()
    title = f"[finpulse demo] {{}}: {kind} {subject}"
    for sink in (platform.http, platform.mail):
        found = about(sink.received, kind)
        assert [m.title for m in found] == [title.format("began"), title.format("ended")]
        for message in found:
            assert "\nsince: 20" in message.body
            assert "\ncommand: " in message.body
            assert f"\nrunbook: {RUNBOOKS}/{kind}.md" in message.body
        assert what in found[0].body.splitlines()[0]
        assert found[1].body.startswith("over: ")
        assert what not in found[1].body
        assert "\nended: " in found[1].body
    assert [m.kind for m in about(platform.http.received, kind)][1] == "success"
    assert platform.store.load().open == {}


def test_a_condition_that_lasts_is_notified_again_whatever_restarts(platform):
    fail_run(platform, begins=True)
    start = platform.at
    for quarters in range(4 * 8):  # each tick reads the state anew, as after a restart
        platform.at = start + timedelta(hours=6 * quarters)
        platform.tick()
    for sink in (platform.http, platform.mail):
        found = about(sink.received, Kind.RUN_FAILED)
        assert [m.title.split()[2] for m in found] == ["began:", *["continues:"] * 3]
        waited = [m.body.split(", for ")[1].split("\n")[0] for m in found[1:]]
        assert [text.split()[:2] for text in waited] == [["1", "d"], ["3", "d"], ["7", "d"]]
        assert "\nnotice: 4\n" in found[-1].body


def test_a_table_that_cannot_be_read_hides_nothing_else(platform):
    stale_signals(platform, begins=True)
    platform.lake.path(PRICES, "2024-03-01").write_bytes(b"PAR1 is not enough")
    platform.tick()
    assert set(platform.store.load().open) == {
        f"asset_stale:{PRICES.name}", f"asset_stale:{DAILY_SIGNALS.name}",
    }  # fmt: skip
    broken, _ = about(platform.http.received, Kind.ASSET_STALE)[::-1]
    assert "cannot be read" in broken.body
    assert "severity: critical" in broken.body
    last, tables, unreadable = table_statuses(platform.settings, platform.settings.as_of)
    assert (str(last), list(unreadable)) == ("2024-03-05", [PRICES.name])
    assert {t.table: t.state for t in tables}[DAILY_SIGNALS.name] == "stale"


def test_the_times_of_alerts_do_not_come_from_files(platform):
    """A home that was copied or restored has the files of today."""
    stale_signals(platform, begins=True)
    drift(platform, begins=True)
    platform.tick()
    since = {key: it.alert.since for key, it in platform.store.load().open.items()}
    assert len(since) == 2
    for path in platform.settings.root.rglob("*"):
        os.utime(path, (0, 0))
    platform.store.state_path.unlink()
    platform.tick()
    assert {key: it.alert.since for key, it in platform.store.load().open.items()} == since


def test_a_failed_blocking_check_fires_and_resolves_beside_its_run(platform):
    World.check_passes = False
    platform.run()
    platform.tick()
    World.check_passes = True
    platform.run()
    platform.tick()
    for sink in (platform.http, platform.mail):
        found = about(sink.received, Kind.CHECK_FAILED)
        assert [m.title.split()[2:] for m in found] == [
            ["began:", "check_failed", "raw/prices", "bars_are_whole"],
            ["ended:", "check_failed", "raw/prices", "bars_are_whole"],
        ]
        assert "7 bars are negative\nsince: " in found[0].body
        assert all(f"runbook: {RUNBOOKS}/check_failed.md" in m.body for m in found)


def test_promotions_and_refusals_are_notified_once_each(platform):
    for candidate, promoted in (("m1", True), ("m2", False), ("m1", True), ("m3", False)):
        decide(platform, candidate, promoted=promoted)
        platform.tick()
        platform.tick()
    for sink in (platform.http, platform.mail):
        assert [m.title.removeprefix("[finpulse demo] happened: ") for m in sink.received] == [
            "promotion m1", "promotion_refused m2", "promotion_refused m3",
        ]  # fmt: skip
        assert f"runbook: {RUNBOOKS}/promotion.md" in sink.received[0].body
        assert f"runbook: {RUNBOOKS}/promotion_refused.md" in sink.received[1].body


def test_a_sink_that_is_down_gets_everything_later_and_the_other_is_not_notified_twice(platform):
    platform.http.status = 500
    drift(platform, begins=True)
    tick = platform.tick()
    assert (tick.sent, tick.waiting) == (1, 1)
    assert tick.problems[0].startswith("json:")
    assert "did not take message" in tick.problems[0]
    drift(platform, begins=False)
    assert platform.tick().problems == [], "the back-off has not passed"
    assert len(platform.mail.received) == 2
    platform.http.status = 200
    platform.at += timedelta(seconds=30)
    assert platform.tick().waiting == 0
    platform.tick()
    for sink in (platform.http, platform.mail):
        assert [m.title.split()[2] for m in sink.received] == ["began:", "ended:"]


def test_a_slow_sink_is_given_up_in_time_and_does_not_hold_the_other_up(platform):
    platform.http.gate.clear()
    drift(platform, begins=True)
    tick = platform.tick(timeout=3)
    assert (tick.sent, tick.waiting, len(platform.mail.received)) == (1, 1, 1)
    platform.http.gate.set()
    platform.at += timedelta(seconds=30)
    assert platform.tick().waiting == 0
    ids = {m.body.rsplit("message: ", 1)[1] for m in platform.http.received}
    assert len(ids) == 1, "a slow sink may get it twice, and can tell by the id"


def test_two_evaluators_at_once_send_once(platform):
    platform.http.gate.clear()
    drift(platform, begins=True)
    first: list[Tick | None] = []
    thread = Thread(target=lambda: first.append(platform.tick(timeout=600)))
    thread.start()
    assert platform.http.reached.wait(600)
    assert platform.tick() is None, "the first is in the middle of its sending"
    platform.http.gate.set()
    thread.join()
    assert first[0].sent == 2
    assert platform.tick().sent == 0
    assert len(platform.http.received) == len(platform.mail.received) == 1


CHILD = """
import sys
from pathlib import Path
from finpulse_assets.gateways.alerts.state_file import AlertStore
with AlertStore(Path(sys.argv[1])).claimed() as is_mine:
    print(is_mine)
"""


def test_the_lock_holds_between_processes_and_ends_with_its_holder(tmp_path):
    def ask() -> str:
        command = [sys.executable, "-W", "ignore", "-c", CHILD, str(tmp_path)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    with AlertStore(tmp_path).claimed() as is_mine:
        assert is_mine
        assert ask() == "False"
    assert ask() == "True"


def test_no_secret_is_written_or_said(platform):
    platform.http.status = 500
    drift(platform, begins=True)
    tick = platform.tick()
    said = " ".join(tick.problems) + repr(AppriseSender(platform.http.url))
    written = "".join(p.read_text() for p in platform.settings.alerts.iterdir())
    for secret in (platform.http.url, "/hook", platform.mail.url, "ops@example.com"):
        assert secret not in said + written
