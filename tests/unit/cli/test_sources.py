"""`finpulse sources`, `finpulse sources record` and `finpulse reparse`, on vendors on loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from finpulse_assets.cli import sources as module
from finpulse_assets.cli.app import app
from finpulse_assets.errors import SettingError, SourceError
from finpulse_assets.gateways.sources.shape import shape_of
from finpulse_assets.orchestration.ingest.record import record
from finpulse_assets.settings import load_settings
from tests.fakes.vendors.corpus import Corpus
from tests.fakes.vendors.days import Days
from tests.fakes.vendors.deployed import settings_of, vendor_settings
from tests.fakes.vendors.server import Clock, Vendors, running

NOW = datetime(2026, 11, 5, 21, 30, tzinfo=UTC)
CORPUS = Corpus(date(2026, 10, 20), date(2026, 11, 12))
FIXTURES = Path(__file__).parents[2] / "fixtures" / "vendors"


@pytest.fixture(scope="module")
def server() -> Iterator[Vendors]:
    with running(Vendors(CORPUS, Clock(NOW), has_rates=False)) as vendors:
        yield vendors


@pytest.fixture
def vendors(server: Vendors, monkeypatch: pytest.MonkeyPatch) -> Vendors:
    server.script, server.clock.at = {}, NOW
    for asked in server.requests.values():
        asked.clear()
    for name, value in vendor_settings(server).items():
        monkeypatch.setenv(f"FINPULSE_{name.upper()}", value)
    monkeypatch.setenv("FINPULSE_SOURCES", "stooq,finnhub,x,newsapi,rss")
    monkeypatch.setenv("FINPULSE_X_POSTS_A_MONTH", "1000")
    monkeypatch.setattr(module, "system_now", server.clock.now)
    return server


def said(*words: str) -> str:
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    assert done.exit_code == 0
    return done.stdout


def states(home: Path) -> dict[str, dict[str, object]]:
    told = json.loads(said("sources", "--profile", "live", "--home", str(home), "--json"))
    return {one["name"]: one for one in told["sources"]}


def test_each_source_shows_its_state_rows_rate_and_spend(vendors, tmp_path, monkeypatch):
    monkeypatch.delenv("FINPULSE_NEWSAPI_KEY")
    first = date(2026, 11, 1)
    x = Days(vendors, "x", tmp_path, first, x_posts_a_month="1000")
    x.run(NOW)
    finnhub = Days(vendors, "finnhub", tmp_path, first)
    finnhub.run(NOW)
    vendors.script["finnhub"] = ["404"]
    finnhub.run(datetime(2026, 11, 6, 21, 30, tzinfo=UTC))
    found = states(tmp_path)
    assert list(found) == ["stooq", "finnhub", "x", "newsapi", "rss"]
    assert found["newsapi"]["state"] == "not configured"
    assert "FINPULSE_NEWSAPI_KEY" in found["newsapi"]["problem"]
    assert found["stooq"]["state"] == "never asked"
    assert found["finnhub"]["state"] == "partial"
    assert "1 of 3 failed" in found["finnhub"]["problem"]
    assert found["finnhub"]["last_success"] == str(NOW)
    read = len(CORPUS.told(None, datetime(2026, 11, 1, 4, tzinfo=UTC), NOW))
    assert found["x"]["rows"] == pytest.approx(read, abs=1)
    assert found["x"]["billed"] >= read - 1
    assert found["x"]["billed"] + found["x"]["billed_left"] == 1000
    assert found["x"]["rate_left"] == 250
    shown = said("sources", "--profile", "live", "--home", str(tmp_path))
    for words in ("finnhub", "partial", "2026-11-05 21:30", "not configured"):
        assert words in shown


def test_reading_again_says_what_has_changed(vendors, tmp_path):
    days = Days(vendors, "finnhub", tmp_path, date(2026, 11, 1))
    days.run(NOW)
    rows = days.rows("headlines").height
    told = said("reparse", "finnhub", "--profile", "live", "--home", str(tmp_path))
    assert told.strip() == f"finnhub headlines: {rows} rows, 0 are new, 0 are gone, 0 refused"


def test_a_recording_says_how_the_shape_differs(vendors, tmp_path):
    settings = settings_of(vendors, tmp_path)
    into = tmp_path / "fixtures"
    first = record(settings, "finnhub", into, vendors.clock.timer)[0]
    assert (first.differences, first.rows > 0) == (None, True)
    vendors.script["finnhub"] = ["unknown-field"]
    second = record(settings, "finnhub", into, vendors.clock.timer)[0]
    assert second.differences == [
        "[].somethingNew is new (object)",
        "[].somethingNew.nested is new (list)",
        "[].somethingNew.nested[] is new (number)",
    ]
    assert (
        vendors.fakes["finnhub"].secret not in (into / "finnhub/headlines/origin.json").read_text()
    )
    vendors.script["finnhub"] = ["*503"]
    before = (into / "finnhub/headlines/body").read_bytes()
    with pytest.raises(SourceError):
        record(settings, "finnhub", into, vendors.clock.timer)
    assert (into / "finnhub/headlines/body").read_bytes() == before


def test_recording_needs_a_key(vendors, tmp_path, monkeypatch):
    monkeypatch.delenv("FINPULSE_X_TOKEN")
    settings = load_settings(profile="live", home=tmp_path)
    with pytest.raises(SettingError, match="the source x needs FINPULSE_X_TOKEN"):
        record(settings, "x", tmp_path, vendors.clock.timer)


def test_the_command_records_where_it_is_told(vendors, tmp_path):
    told = said("sources", "record", "stooq", "--into", str(tmp_path / "f"))
    assert "stooq prices:" in told and "nothing was stored before" in told


@pytest.mark.parametrize("stored", sorted(FIXTURES.glob("*/*/body")), ids=lambda it: str(it.parent))
def test_the_vendors_on_loopback_have_the_stored_shapes(vendors, tmp_path, stored):
    name, kind = stored.parts[-3], stored.parts[-2]
    record(settings_of(vendors, tmp_path), name, tmp_path, vendors.clock.timer)
    made = shape_of((tmp_path / name / kind / "body").read_bytes())
    assert made == shape_of(stored.read_bytes())
