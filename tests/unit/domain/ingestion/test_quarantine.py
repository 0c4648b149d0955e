"""Every rule of every delivery, with the exact sentence that a refused row gets."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, date, datetime

import polars as pl
import pytest

from finpulse_assets.domain.ingestion.quarantine import (
    MAX_JSON_CHARACTERS,
    action_rules,
    price_rules,
    split_bad_rows,
    text_rules,
)
from finpulse_assets.gateways.sources.protocols import (
    DELIVERED_ACTIONS,
    DELIVERED_PRICES,
    DELIVERED_TEXTS,
    delivered_as,
)

AS_OF = datetime(2024, 6, 30, tzinfo=UTC)
SESSION, SATURDAY = date(2024, 6, 3), date(2024, 6, 8)
NAN, INFINITY = float("nan"), float("inf")

TEXT = {
    "text_id": "1",
    "ticker": "AAPL",
    "event_time": datetime(2024, 6, 3, 15, tzinfo=UTC),
    "text": "naïve 📈",
}
PRICE = {
    "ticker": "AAPL",
    "session_date": SESSION,
    "open": 10.0,
    "high": 11.0,
    "low": 9.0,
    "close": 10.5,
    "volume_shares": 0,
    "price_basis": "unadjusted",
}
ACTION = {"ticker": "AAPL", "ex_date": SESSION, "kind": "split", "value": 4.0}

TEXTS = (TEXT, DELIVERED_TEXTS, text_rules())
PRICES = (PRICE, DELIVERED_PRICES, price_rules(pl.Series([SESSION])))
ACTIONS = (ACTION, DELIVERED_ACTIONS, action_rules(pl.Series([SESSION])))


def judge(kind, *changes):
    row, schema, rules = kind
    rows = [{"problem": None, **row, **change} for change in changes]
    frame = pl.DataFrame(rows, schema_overrides=dict(schema), infer_schema_length=None)
    return split_bad_rows(delivered_as(frame, schema), rules, as_of=AS_OF)


NO_SYMBOL = "is no symbol; write letters, digits and . ^ = & _ / - as in BRK-B or EURUSD=X"
CASES = [
    *(
        (kind, {"ticker": "=CMD|X"}, f"ticker '=CMD|X' {NO_SYMBOL}")
        for kind in (TEXTS, PRICES, ACTIONS)
    ),
    *(
        (PRICES, {"ticker": ticker}, f"ticker '{ticker}' {NO_SYMBOL}")
        for ticker in ("+T", "-T", "@SUM(A1)", "$AAPL", "NYSE:T", "A" * 21, "aapl", "Ä")
    ),
    (TEXTS, {"problem": "event_time 'soon' is not a time"}, "event_time 'soon' is not a time"),
    (TEXTS, {"text_id": None}, "text_id is missing"),
    (TEXTS, {"ticker": None}, "ticker is missing"),
    (TEXTS, {"event_time": None}, "event_time is missing"),
    (TEXTS, {"text": None}, "text is empty"),
    (TEXTS, {"text": " \n\t"}, "text is empty"),
    (TEXTS, {"text": "\u200b\x00\u200f\u3000\ufeff"}, "text is empty"),
    (TEXTS, {"text": "x" * 10_001}, "text has 10001 characters, the limit is 10000"),
    (PRICES, {"problem": "open 'n/a' is not a number"}, "open 'n/a' is not a number"),
    *((PRICES, {name: None}, f"{name} is missing") for name in PRICE if name != "price_basis"),
    (PRICES, {"session_date": SATURDAY}, "2024-06-08 is not a session of XNYS"),
    (PRICES, {"open": 0.0}, "open is 0.0, a price is above 0"),
    (PRICES, {"high": INFINITY}, "high is inf, a price is above 0"),
    (PRICES, {"low": -1.5}, "low is -1.5, a price is above 0"),
    (PRICES, {"close": NAN}, "close is NaN, a price is above 0"),
    (PRICES, {"high": 8.0}, "high 8.0 is below low 9.0"),
    (PRICES, {"volume_shares": -1}, "volume_shares is -1, the limit is 0"),
    (
        PRICES,
        {"price_basis": "raw"},
        "price_basis 'raw' is none of unadjusted, split_adjusted, total_return",
    ),
    (
        PRICES,
        {"price_basis": None},
        "price_basis '' is none of unadjusted, split_adjusted, total_return",
    ),
    (ACTIONS, {"problem": "value '4:1' is not a number"}, "value '4:1' is not a number"),
    *((ACTIONS, {name: None}, f"{name} is missing") for name in ACTION),
    (ACTIONS, {"kind": "merger"}, "kind 'merger' is neither split nor dividend"),
    (ACTIONS, {"value": 0.0}, "value is 0.0, it should be above 0"),
    (ACTIONS, {"value": NAN}, "value is NaN, it should be above 0"),
    (ACTIONS, {"value": INFINITY}, "value is inf, it should be above 0"),
    (ACTIONS, {"ex_date": SATURDAY}, "2024-06-08 is not a session of XNYS"),
]


@pytest.mark.parametrize(("kind", "change", "reason"), CASES)
def test_a_broken_rule_names_itself(kind, change, reason):
    good, bad = judge(kind, {}, change)
    assert good.height == bad.height == 1
    assert bad["reason"].to_list() == [reason]
    assert bad["first_seen_at"].to_list() == [AS_OF]


@pytest.mark.parametrize(
    ("kind", "changes", "reason"),
    [
        (TEXTS, {"text": "", "ticker": "ZZZ"}, "text is empty"),
        (TEXTS, {"ticker": "ZZZ", "text": "x" * 10_001}, "text has 10001 characters, the limit"),
        (PRICES, {"open": NAN, "volume_shares": -1}, "open is NaN"),
        (PRICES, {"session_date": SATURDAY, "open": -1.0}, "2024-06-08 is not a session"),
        (PRICES, {"problem": "the line is cut", "ticker": None}, "the line is cut"),
        (ACTIONS, {"kind": None, "value": -1.0}, "kind is missing"),
    ],
)
def test_the_first_broken_rule_gives_the_reason(kind, changes, reason):
    _good, bad = judge(kind, changes)
    assert bad["reason"][0].startswith(reason)


def test_symbols_of_classes_indices_currencies_and_other_exchanges_are_good():
    symbols = ["BRK.B", "BRK-B", "^GSPC", "EURUSD=X", "ES=F", "BTC-USD", "0700-HK", "M&M-NS", "A/B",
               "EUR_USD", "T", "NA"]  # fmt: skip
    good, bad = judge(PRICES, *({"ticker": symbol} for symbol in symbols))
    assert good["ticker"].to_list() == symbols
    assert bad.is_empty()


@pytest.mark.parametrize("kind", [TEXTS, PRICES, ACTIONS])
def test_good_rows_are_untouched(kind):
    row, schema, rules = kind
    delivered = delivered_as(pl.DataFrame([{**row, "source": "s"}]), schema)
    good, bad = split_bad_rows(delivered, rules, as_of=AS_OF)
    assert good.equals(delivered.drop("problem"))
    assert bad.is_empty()


@pytest.mark.parametrize("kind", [TEXTS, PRICES, ACTIONS])
def test_an_empty_delivery_has_neither(kind):
    _row, schema, rules = kind
    good, bad = split_bad_rows(pl.DataFrame(schema=dict(schema)), rules, as_of=AS_OF)
    assert good.is_empty()
    assert bad.is_empty()


def test_ten_thousand_characters_are_good():
    good, bad = judge(TEXTS, {"text": "é" * 10_000})
    assert good.height == 1
    assert bad.is_empty()


def test_a_refused_row_can_be_read_back():
    _good, bad = judge(PRICES, {"close": NAN, "high": INFINITY, "ticker": 'A"\n€'})

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    row = json.loads(bad["row_json"][0], parse_constant=refuse)
    assert row["ticker"] == 'A"\n€'
    assert (row["close"], row["high"], row["low"]) == ("nan", "inf", 9.0)
    assert row["session_date"] == "2024-06-03"
    assert "problem" not in row
    assert bad["row_hash"][0] == hashlib.sha256(bad["row_json"][0].encode()).hexdigest()


def test_a_long_row_is_cut_but_hashed_whole():
    _good, bad = judge(TEXTS, {"text": "x" * 20_000}, {"text": "x" * 20_001})
    assert bad["row_json"].str.len_chars().to_list() == [MAX_JSON_CHARACTERS] * 2
    assert bad["row_hash"].n_unique() == 2


def test_the_same_bad_row_twice_is_one():
    _good, bad = judge(TEXTS, {"text": ""}, {"text": ""}, {"text": " "})
    assert bad.height == 2
