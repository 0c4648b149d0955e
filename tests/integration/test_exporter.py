"""The exporter's numbers are those of the home; a part that fails hides no other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import polars as pl
import pytest
import requests

from finpulse_assets.cli.exporter import LOOPBACK, server_of
from finpulse_assets.domain.monitoring import measures
from finpulse_assets.domain.monitoring.alert import Alert, Kind, Severity
from finpulse_assets.gateways.lake.lake import WHOLE
from finpulse_assets.gateways.serving.ledger import LedgerWriter
from finpulse_assets.gateways.snapshot.store import SnapshotStore
from finpulse_assets.gateways.sources.stream.consumer import StreamConsumer
from finpulse_assets.gateways.sources.stream.producer import StreamProducer
from finpulse_assets.orchestration.alerting.causes import causes_of
from finpulse_assets.orchestration.exporting.collect import Exporter
from finpulse_assets.orchestration.stream.start import kafka_of
from finpulse_assets.schemas import (
    COVERAGE,
    DAILY_SIGNALS,
    LIVE_QUALITY,
    PRICES,
    TEXT_DRIFT,
    requests_table,
    source_table,
)
from finpulse_assets.settings import load_settings
from tests.fakes.alert_sink import running
from tests.fakes.kafka_broker import running_broker
from tests.fakes.stream import text
from tests.integration.alert_platform import (
    FRIDAY,
    TUESDAY,
    Platform,
    decide,
    drift,
    fail_run,
    platform_in,
    stale_signals,
)

NOTED = datetime(2024, 3, 1, 21, 15, tzinfo=UTC)
ASKED = {"asked_from": NOTED - timedelta(days=1), "asked_until": NOTED, "new_rows": 0}


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    with platform_in(tmp_path) as made:
        yield made


def numbers(platform: Platform, said: list[str] | None = None) -> dict[str, float]:
    """Return the numbers by name and labels."""
    said = [] if said is None else said
    text = exporter(platform, said).text()
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def exporter(platform: Platform, said: list[str]) -> Exporter:
    return Exporter(platform.settings, platform.instance, lambda: platform.at, say=said.append)


def deliver(platform: Platform, status: str, *, delivered: int, refused: int) -> None:
    """Note two requests for prices, the first answered whole, the second as given."""
    rows = [
        {"requested_at": NOTED - timedelta(days=1), "kind": "prices", "status": "answered",
         "delivered_rows": 30, "late_rows": 2, "refused_rows": 0, "problem": None, **ASKED},
        {"requested_at": NOTED, "kind": "prices", "status": status, "delivered_rows": delivered,
         "late_rows": 0, "refused_rows": refused, "problem": "HTTP 503", **ASKED},
    ]  # fmt: skip
    table = requests_table("simulator")
    frame = table.enforce(pl.DataFrame(rows, schema=table.polars_schema))
    platform.lake.append(table, frame, [])
    held = source_table("simulator", "prices")
    platform.fill(FRIDAY, held)
    span = {"ticker": "A", "month": "2024-03-01", "first_at": NOTED - timedelta(days=9),
            "last_at": NOTED}  # fmt: skip
    platform.lake.cover(held, pl.DataFrame([span], schema=COVERAGE.polars_schema))


def test_a_home_in_which_everything_has_happened_gives_every_number(platform):
    deliver(platform, "answered", delivered=10, refused=1)
    decide(platform, "m1", promoted=True)
    drift(platform, begins=True)
    platform.fill(FRIDAY, TEXT_DRIFT)
    quality = {"metric": "rank_ic", "predictor": "champion", "value": 0.04, "lower": 0.01,
               "upper": 0.07, "session_date": FRIDAY, "first_session": FRIDAY, "row_count": 9,
               "model_version": "m1", "session_count": 30}  # fmt: skip
    platform.lake.replace(LIVE_QUALITY, pl.DataFrame([quality]), [WHOLE])
    writer = LedgerWriter(platform.settings.ledger)
    writer.append([b'{"answered":1}'], NOTED)
    writer.close()
    snapshots = SnapshotStore(platform.settings.root).folder
    snapshots.mkdir()
    (snapshots / "finpulse-20240229T211500Z-abc.duckdb").touch()
    platform.tick()
    found = numbers(platform)
    of_stream = {measures.STREAM_WAITING.name, measures.STREAM_OLDEST.name}
    named = {re.sub(r"\{.*", "", name) for name in found}
    assert named == {it.name for it in measures.ALL} - of_stream, "the stream is no source here"
    assert found['finpulse_table_sessions_behind{table="raw/prices"}'] == 0
    prices = '{source="simulator",kind="prices"}'
    assert found[f"finpulse_source_sessions_behind{prices}"] == 0
    assert found[f"finpulse_source_delivered_rows_total{prices}"] == 40
    assert found[f"finpulse_source_refused_share{prices}"] == 0.1
    assert found[f"finpulse_source_late_rows_total{prices}"] == 2
    assert found["finpulse_snapshot_sessions_behind"] == 1
    assert found["finpulse_ledger_oldest_waiting_timestamp_seconds"] == NOTED.timestamp()
    assert found['finpulse_live_quality{metric="rank_ic",bound="lower"}'] == 0.01
    assert found['finpulse_skill_proven{skill="ranking"}'] == 1
    assert found['finpulse_run_succeeded{job="whole_graph"}'] == 1
    drifted = 'kind="drift",subject="features",severity="warning",acknowledged="no"'
    assert found[f"finpulse_alert_open{{{drifted}}}"] == 1


def test_messages_that_no_worker_took_are_counted_and_dated(platform):
    with running_broker() as address:
        platform.settings = load_settings(
            home=platform.settings.home, sources="simulator,stream", kafka_servers=address
        )
        kafka = kafka_of(platform.settings)
        assert numbers(platform)["finpulse_stream_waiting_messages"] == 0
        producer = StreamProducer(kafka)
        for number in range(3):
            producer.send(text(number), NOTED + number * timedelta(minutes=1))
        producer.close()
        found = numbers(platform)
        assert found["finpulse_stream_waiting_messages"] == 3
        assert found["finpulse_stream_oldest_waiting_timestamp_seconds"] == NOTED.timestamp()
        worker = StreamConsumer(kafka, group=platform.settings.kafka_group, batch=10)
        read = 0
        while read < 3:
            read += len(worker.read(1.0))
        worker.commit()
        found = numbers(platform)
        assert found["finpulse_stream_waiting_messages"] == 0
        assert "finpulse_stream_oldest_waiting_timestamp_seconds" not in found
        worker.close()
    found = numbers(platform, said := [])
    assert found['finpulse_exporter_part_failed{part="stream"}'] == 1
    assert "no Kafka broker answers" in said[0]


def test_what_is_wrong_shows(platform):
    deliver(platform, "failed", delivered=0, refused=0)
    stale_signals(platform, begins=True)
    fail_run(platform, begins=True)
    platform.tick()
    found = numbers(platform)
    assert found[f'finpulse_table_sessions_behind{{table="{DAILY_SIGNALS.name}"}}'] == 2
    assert found['finpulse_source_answered{source="simulator",kind="prices"}'] == 0
    assert found['finpulse_source_sessions_behind{source="simulator",kind="prices"}'] == 2
    assert found['finpulse_run_succeeded{job="whole_graph"}'] == 0
    (alert,) = [a.alert for a in platform.store.load().open.values() if a.alert.run_id]
    platform.store.acknowledge(alert.alert_id, platform.at + timedelta(days=2))
    labels = 'kind="run_failed",subject="whole_graph",severity="critical"'
    found = numbers(platform)
    assert found[f'finpulse_alert_open{{{labels},acknowledged="yes"}}'] == 1
    platform.at += timedelta(days=3)
    assert numbers(platform)[f'finpulse_alert_open{{{labels},acknowledged="no"}}'] == 1


def test_a_part_that_fails_hides_no_other_and_says_so_once(platform):
    platform.lake.path(PRICES, "2024-03-01").write_bytes(b"PAR1 is not enough")
    path = platform.models.history_path
    path.parent.mkdir(parents=True)
    path.write_text("no decision\n")
    said: list[str] = []
    watched = exporter(platform, said)
    watched._collect()
    watched._collect()
    assert 'finpulse_exporter_part_failed{part="champion"} 1' in watched.text()
    assert 'finpulse_table_readable{table="raw/prices"} 0' in watched.text()
    assert f'finpulse_table_rows{{table="{DAILY_SIGNALS.name}"}} 1' in watched.text()
    assert [line.split(":")[0] for line in said] == ["champion"]


def test_scrapes_share_a_collection(platform):
    watched = exporter(platform, [])
    first = watched.text()
    platform.fill(TUESDAY, PRICES)
    assert watched.text() is first


def test_an_empty_home_gives_what_there_is(tmp_path, platform):
    platform.settings = platform.settings.model_copy(update={"home": tmp_path / "empty"})
    found = numbers(platform, said := [])
    assert said == []
    assert found["finpulse_disk_free_bytes"] > 0
    assert not any("table_rows" in name and value for name, value in found.items())


def test_the_server_gives_numbers_and_nothing_else():
    with server_of(lambda: "finpulse_x 1\n", LOOPBACK, 0) as server, running(server):
        at = f"http://{LOOPBACK}:{server.server_port}"
        found = requests.get(f"{at}/metrics", timeout=10)
        assert found.text == "finpulse_x 1\n"
        assert found.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        assert requests.get(f"{at}/lake", timeout=10).status_code == 404


@dg.asset(key_prefix="source")
def x() -> None: ...


@dg.asset(key_prefix="source")
def y() -> None: ...


@dg.asset(key_prefix="raw", deps=[x])
def tweets() -> None: ...


@dg.asset(key_prefix="marts", deps=[tweets, y])
def features() -> None: ...


def test_an_alert_follows_from_the_source_whose_rows_it_is_about():
    graph = dg.Definitions(assets=[x, y, tweets, features]).resolve_asset_graph()
    source = Alert(Kind.SOURCE_FAILED, "source/x", "?", NOTED, Severity.WARNING, "x")
    stale = replace(source, kind=Kind.ASSET_STALE, subject="marts/features")
    check = replace(source, kind=Kind.CHECK_FAILED, subject="raw/tweets are_whole")
    run = replace(source, kind=Kind.RUN_FAILED, subject="daily", assets=("raw/tweets",))
    others = [
        replace(run, subject="retrain", assets=("raw/tweets", "source/y")),
        replace(source, kind=Kind.DRIFT, subject="features"),
        replace(source, kind=Kind.ASSET_STALE, subject="source/y"),
    ]
    found = causes_of([source, stale, check, run, *others], graph)
    assert found == dict.fromkeys([stale.key, check.key, run.key], source.key)
