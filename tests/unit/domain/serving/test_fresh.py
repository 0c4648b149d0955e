"""Requests with texts and bars: what is read and what is refused."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import pytest

from finpulse_assets.domain.serving.fresh import FreshText, fresh_texts, is_fresh, parse_fresh
from finpulse_assets.errors import RequestError

BAR = {"session_date": "2024-06-28", "open": 2.0, "high": 3.0, "low": 1.0, "close": 2.5,
       "volume_shares": 10}  # fmt: skip
TEXT = {"text": "acme beats"}


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"texts": []}, "there are 0 texts and 0 prices"),
        ({"texts": [TEXT] * 65}, "there are 65 texts"),
        ({"texts": [{"text": " "}]}, "text 0 is ' ', which is blank"),
        ({"texts": [TEXT | {"kind": "rumour"}]}, "cannot be read: Invalid enum value"),
        ({"texts": [TEXT], "x": 1}, "cannot be read: .*unknown field"),
        ({"prices": [BAR | {"low": 2.2}]}, "the bar of 2024-06-28 is none"),
        ({"prices": [BAR | {"high": 1e300}]}, "the bar of 2024-06-28 is none"),
        ({"prices": [BAR | {"volume_shares": -1}]}, "the bar of 2024-06-28 is none"),
        ({"prices": [BAR | {"session_date": "friday"}]}, "cannot be read"),
        ({"prices": [BAR, BAR]}, "a session has two bars"),
        ({"texts": [TEXT], "symbol": " "}, "the symbol is ' '"),
        ({"texts": [TEXT], "symbol": 1}, "cannot be read"),
    ],
)
def test_what_cannot_be_added_is_refused(changes, error):
    with pytest.raises(RequestError, match=error):
        parse_fresh(json.dumps({"symbol": "AAPL"} | changes).encode())


def test_a_symbol_with_texts_and_bars_is_read():
    body = json.dumps({"symbol": "brk.b", "texts": [TEXT], "prices": [BAR]}).encode()
    asked = parse_fresh(body)
    assert asked.symbol == "BRK-B"
    assert (asked.texts[0].kind, asked.prices[0].session_date) == ("tweet", date(2024, 6, 28))
    assert is_fresh(body)
    for symbol in ("AAPL", "texts", "prices", '"texts":'):
        assert not is_fresh(json.dumps({"symbol": symbol}).encode())


def test_of_the_texts_those_count_that_a_delivery_would_keep():
    sent = [FreshText("\u200b"), FreshText("RT @a"), FreshText("acme beats", kind="headline")]
    day = date(2024, 6, 28)
    tweets, headlines = fresh_texts(sent, "AAPL", day, datetime(2024, 6, 28, tzinfo=UTC))
    assert tweets["text"].to_list() == ["RT @a"]
    assert headlines["text"].to_list() == ["acme beats"]
