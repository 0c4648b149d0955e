"""Messages: what is understood, and that nothing else raises."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finpulse_assets.gateways.sources.stream.messages import (
    MAX_BYTES,
    Message,
    encode,
    read_messages,
    schemas,
)
from tests.fakes.stream import NOON, bar, sent, text


def refusal(value: bytes, topic: str = "texts") -> str:
    read = read_messages([Message(topic, value, NOON, "texts 2 at 41")], NOON)
    assert not read.rows
    assert read.malformed["row_json"][0] == value[:2000].decode("utf-8", "replace")
    return read.malformed["reason"][0]


def changed(**fields: object) -> bytes:
    return json.dumps({**json.loads(encode(text())), **fields}).encode()


def test_texts_and_bars_become_rows_in_the_columns_of_a_delivery():
    messages = [sent(text(1, author="ann")), sent(text(2, kind="headline")), sent(bar())]
    read = read_messages(messages, NOON)
    assert {kind: rows.height for kind, rows in read.rows.items()} == {
        "tweets": 1, "headlines": 1, "prices": 1
    }  # fmt: skip
    row = read.rows["tweets"].row(0, named=True)
    assert (row["text_id"], row["author"], row["event_time"]) == ("id1", "ann", NOON)
    assert (row["knowledge_time"], row["sent_at"], row["problem"]) == (None, NOON, None)
    assert read.rows["prices"]["close"].to_list() == [10.5]
    assert read.malformed.is_empty()


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"", "truncated"),
        (b"\xff\xfe", "malformed"),
        (b"[1, 2]", "Expected `object`"),
        (changed(sentiment=1), "unknown field `sentiment`"),
        (changed(kind="meme"), "Invalid enum value 'meme'"),
        (changed(ticker=None), "Expected `str`, got `null`"),
        (changed(event_time="yesterday"), "Invalid RFC3339"),
        (changed(event_time="2024-07-02T12:00:00"), "timezone"),
        (changed(event_time="0001-01-01T00:00:00+14:00"), "outside of 1990 to 2100"),
        (changed(like_count=2**70), "<= 9007199254740992"),
        (changed(text="x" * MAX_BYTES), "the limit is 100000"),
        (encode(text()).replace(b"$ACME", b"\\ud800"), "surrogate"),
    ],
)
def test_what_is_no_message_is_refused_with_its_place_and_reason(value, reason):
    said = refusal(value)
    assert said.startswith("texts 2 at 41: ")
    assert reason in said


def test_a_bar_with_an_infinite_price_is_no_message():
    assert "out of range" in refusal(encode(bar()).replace(b"10.5", b"1e999"), topic="bars")


@given(st.lists(st.binary(max_size=40) | st.just(encode(text())) | st.text().map(str.encode)))
def test_no_bytes_raise_and_each_message_is_a_row_or_refused(values):
    read = read_messages([Message("texts", value, NOON) for value in values], NOON)
    good = values.count(encode(text()))
    assert sum(rows.height for rows in read.rows.values()) == good
    assert read.malformed.height == len({value for value in values if value != encode(text())})


def test_the_schema_names_every_field():
    found = schemas()["texts"]["$defs"]["Text"]
    assert set(found["properties"]) == set(type(text()).__struct_fields__)
    assert found["additionalProperties"] is False
