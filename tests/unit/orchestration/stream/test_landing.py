"""Landing: messages become rows, by the code and the rules of every source."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from finpulse_assets.domain.calendar import build_sessions
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.sources.stream.messages import Message
from finpulse_assets.orchestration.ingest.request import quarantine_of
from finpulse_assets.orchestration.stream.landing import Landing
from finpulse_assets.schemas import COVERAGE, source_table
from finpulse_assets.settings import load_settings
from tests.fakes.stream import NOON, ONE_MINUTE, bar, sent, text

TWEETS = source_table("stream", "tweets")
NOW = NOON + timedelta(hours=1)


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    sessions = build_sessions(date(2024, 1, 2), date(2024, 12, 31))
    return Landing(Lake(tmp_path), load_settings(home=tmp_path, sources="stream"), sessions)


def files(landing: Landing) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in landing.lake.root.rglob("*.parquet")}


def reasons(landing: Landing, kind: str) -> list[str]:
    return landing.lake.read_or_empty(quarantine_of("stream", kind)).collect()["reason"].to_list()


def test_rows_have_the_time_of_sending_where_they_say_none(landing):
    known = NOON - 5 * ONE_MINUTE
    told = text(2, event_time=known, knowledge_time=known)
    landed = landing.land([sent(text(1)), sent(told)], NOW)
    rows = landing.lake.scan(TWEETS).collect()
    assert rows.select("text_id", "knowledge_time").rows() == [("id1", NOON), ("id2", known)]
    assert (landed.as_of, landed.tickers) == (NOON, {"ACME"})
    assert rows["delivered_at"].to_list() == [NOON, NOON]


def test_a_batch_that_is_read_again_changes_no_byte(landing):
    batch = [sent(text(1)), sent(text(2, kind="headline")), sent(bar())]
    first = landing.land(batch, NOW)
    before = files(landing)
    again = landing.land(batch, NOW + ONE_MINUTE)
    assert (first.count("new"), again.count("new"), again.count("repeated")) == (3, 0, 3)
    assert again.tickers == frozenset()
    assert files(landing) == before


def test_an_edit_is_a_version_and_its_repeated_first_version_takes_nothing_back(landing):
    edit = sent(text(1, text="$ACME misses", event_time=NOON + ONE_MINUTE), NOON + ONE_MINUTE)
    landing.land([sent(text(1)), edit], NOW)
    landing.land([sent(text(1))], NOW)
    assert landing.lake.scan(TWEETS).collect()["text"].to_list() == [text(1).text, "$ACME misses"]


def test_however_messages_are_cut_into_batches_the_rows_are_the_same(landing, tmp_path):
    messages = [sent(text(n % 7, ticker="AB"[n % 2]), NOON + n * ONE_MINUTE) for n in range(20)]
    landing.land(messages, NOW)
    other = Landing(Lake(tmp_path / "other"), landing.settings, landing.sessions)
    for start in (0, 1, 5, 3, 12, 8):  # parts overlap, and come in another order
        other.land(messages[start : start + 8], NOW)
    whole, parts = (
        it.lake.scan(TWEETS).select(pl.exclude("delivered_at")).collect() for it in (landing, other)
    )
    assert set(whole["text_id"]) == set(parts["text_id"])
    assert whole.select("text_id", "ticker", "text").equals(
        parts.select("text_id", "ticker", "text")
    )


def test_bad_messages_go_to_the_quarantine_and_the_others_land(landing):
    day_before = NOON - timedelta(days=1)
    late = sent(text(3, event_time=day_before, knowledge_time=day_before))
    early = sent(bar(session_date=date(2024, 7, 2)))
    batch = [
        Message("texts", b"{", NOON), late, sent(text(4, ticker="=CMD|X")), sent(text(5, text=" ")),
        early, sent(bar(high=1.0)), sent(text(1)),
    ]  # fmt: skip
    landed = landing.land(batch, NOW)
    assert landed.counts["messages", "malformed"] == 1
    assert (landed.count("refused"), landed.count("new")) == (5, 1)
    assert landing.lake.scan(TWEETS).collect()["text_id"].to_list() == ["id1"]
    assert reasons(landing, "messages") == ["texts: Input data was truncated"]
    found = sorted(reasons(landing, "tweets"))
    assert found[0].startswith("late: known at 2024-07-01 16:00:00, sent at 2024-07-02 16:00:00")
    assert found[1:] == [
        "text is empty",
        "ticker '=CMD|X' is no symbol; write letters, digits and . ^ = & _ / - as in BRK-B or "
        "EURUSD=X",
    ]
    assert [reason[:12] for reason in sorted(reasons(landing, "prices"))] == [
        "high 1.0 is ", "sent at 2024"
    ]  # fmt: skip


def test_a_batch_of_nothing_but_bad_messages_has_no_time(landing):
    landed = landing.land([Message("bars", b"null", NOON)], NOW)
    assert (landed.as_of, landed.tickers) == (None, frozenset())


def test_what_a_run_has_asked_for_already_is_known_after_that_run(landing):
    covered = NOON + ONE_MINUTE
    landing.land([sent(text(1))], NOW)
    span = {"ticker": "ACME", "month": "2024-07-01", "first_at": datetime(2024, 7, 1, tzinfo=UTC)}
    frame = pl.DataFrame([{**span, "last_at": covered}], schema=COVERAGE.polars_schema)
    landing.lake.cover(TWEETS, frame)
    landed = landing.land([sent(text(2))], NOW)
    row = landing.lake.scan(TWEETS).filter(text_id="id2").collect().row(0, named=True)
    assert row["knowledge_time"] > covered
    assert landed.count("re-timed") == 1
