"""Answering: the fast reading against the careful one, batches, and what the clock changes."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from finpulse_assets.domain.serving.answer import Answer
from finpulse_assets.domain.serving.answering import Asked
from finpulse_assets.domain.serving.request import (
    MAX_BATCH,
    feature_reader,
    parse_batch,
    parse_request,
)
from finpulse_assets.errors import RequestError
from tests.fakes import serving as fakes

ROW = {"return_1d": 0.5, "rsi_14": None, "sentiment_mean": 1}
READ = feature_reader(fakes.NAMES)
BEFORE = datetime(2024, 7, 1, 13, 29, 59, 999999, tzinfo=UTC)
OPEN = datetime(2024, 7, 1, 13, 30, tzinfo=UTC)


def careful(body: bytes) -> np.ndarray | None:
    try:
        request = parse_request(body, fakes.NAMES)
    except RequestError:
        return None
    if request.features is None:
        return None
    return np.array([list(request.features.values())], dtype=float)


numbers = st.none() | st.floats() | st.integers() | st.sampled_from(["x", True, [], {}])
names = st.sampled_from([*fakes.NAMES, "other", "return:1d"])
pairs = st.lists(st.tuples(names, numbers), max_size=5) | st.permutations(fakes.NAMES).flatmap(
    lambda order: st.tuples(*(st.tuples(st.just(name), numbers) for name in order))
)


def test_the_fast_reading_reads_a_plain_row():
    assert READ(json.dumps({"features": ROW}).encode()).tolist()[0][::2] == [0.5, 1.0]


@given(pairs=pairs, field=st.sampled_from(["features", "features", "symbol"]))
def test_the_fast_reading_takes_nothing_that_the_careful_one_refuses(pairs, field):
    inner = ", ".join(f"{json.dumps(name)}: {json.dumps(value)}" for name, value in pairs)
    body = f'{{"{field}": {{{inner}}}}}'.encode()
    fast = READ(body)
    if fast is not None:
        assert np.array_equal(fast, careful(body), equal_nan=True)


@pytest.mark.parametrize(
    "body",
    [
        '{"features": {"return_1d": 1, "rsi_14": 2, "sentiment_mean": 3, "return_1d": 4}}',
        '{"features": {"return_1d": 1, "rsi_14": 2, "sentiment_mean": 3}, "symbol": "AAPL"}',
        '{"features": {}, "features": {"return_1d": 1, "rsi_14": 2, "sentiment_mean": 3}}',
        '{"features": {"return_1d": 1e999, "rsi_14": 2, "sentiment_mean": 3}}',
        '{"features": {"return_1d": NaN, "rsi_14": 2, "sentiment_mean": 3}}',
    ],
)
def test_what_only_looks_like_a_row_is_left_to_the_careful_reading(body):
    assert READ(body.encode()) is None
    with pytest.raises(RequestError):
        fakes.answering().reply(body.encode(), now=fakes.NOW)


@pytest.mark.parametrize("body", ['{"symbol":"AAPL"}', '{"symbol": "AAPL"}', '{"symbol":" aapl "}'])
def test_a_symbol_is_answered_with_the_same_bytes_however_it_is_written(body):
    answering = fakes.answering()
    said = answering.reply(body.encode(), now=fakes.NOW)
    assert said == answering.reply(b'{"symbol":"AAPL"}', now=fakes.NOW)


def test_an_answer_made_before_is_made_again_when_a_session_opens():
    answering = fakes.answering()
    before, opened, again = (
        Answer.model_validate_json(
            answering.reply(b'{"symbol":"AAPL"}', now=now).stamped("i", now.isoformat(), 0.1)
        )
        for now in (BEFORE, OPEN, BEFORE)
    )
    assert (before.abstain, opened.abstain_reasons) == (False, ["target_session_opened"])
    assert again.model_dump() == before.model_dump()


def test_features_and_reasons_are_sent_on_request():
    answering = fakes.answering()
    body = json.dumps({"features": ROW}).encode()
    plain = json.loads(answering.reply(body, now=fakes.NOW).stamped("i", "t", 0.1))
    asked = answering.reply(body, now=fakes.NOW, asked=Asked(features=True, reasons=True))
    full = json.loads(asked.stamped("i", "t", 0.1))
    assert (plain["features_used"], plain["reasons"]) == (3, None)
    assert full["features_used"] == ROW
    assert full["reasons"][0].split()[0] in fakes.NAMES
    assert plain["probability"] == full["probability"]


def test_a_batch_gives_the_numbers_that_each_row_gives_alone():
    answering = fakes.answering()
    values = np.random.default_rng(3).standard_normal((20, 3))
    values[3, 1] = np.nan
    order = [2, 0, 1]
    rows = [[None if np.isnan(v) else v for v in row] for row in values[:, order].tolist()]
    columns = [fakes.NAMES[at] for at in order]
    batch = parse_batch(json.dumps({"columns": columns, "rows": rows}).encode(), fakes.NAMES)
    assert np.array_equal(batch, values, equal_nan=True)
    alone = [
        answering.reply(
            json.dumps({"features": dict(zip(columns, row, strict=True))}).encode(), now=fakes.NOW
        )
        for row in rows
    ]
    together = answering.rows(batch, now=fakes.NOW)
    assert [it.members for it in together] == [it.members for it in alone]


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        ({}, "neither symbols nor rows alone"),
        ({"symbols": ["A"], "rows": [[1]]}, "neither symbols nor rows alone"),
        ({"rows": [[1, 2, 3]]}, "neither symbols nor rows alone"),
        ({"symbols": []}, "the batch asks for 0, it should be 1 to 512"),
        ({"symbols": ["A"] * (MAX_BATCH + 1)}, "the batch asks for 513"),
        ({"symbols": [" "]}, "the symbol is ' '"),
        ({"symbols": ["A"], "x": 1}, "unknown field `x`"),
        ({"columns": ["return_1d"], "rows": [[1]]}, "lack 2 of the model's 3"),
        ({"columns": [*fakes.NAMES, "rsi_14"], "rows": [[1] * 4]}, "name a feature twice"),
        ({"columns": list(fakes.NAMES), "rows": [[1, 2, 3], [1]]}, "row 1 has 1 values"),
        ({"columns": list(fakes.NAMES), "rows": [[1, "x", 3]]}, r"at `\$.rows\[0\]\[1\]`"),
    ],
)
def test_a_bad_batch_is_refused_in_one_sentence(batch, message):
    with pytest.raises(RequestError, match=message):
        parse_batch(json.dumps(batch).encode(), fakes.NAMES)


def test_a_batch_that_names_a_field_twice_is_refused():
    with pytest.raises(RequestError, match="names 'symbols' twice"):
        parse_batch(b'{"symbols": ["A"], "symbols": ["B"]}', fakes.NAMES)


def test_the_search_for_a_repeated_name_does_not_grow_with_its_square():
    """Counted, not timed: the names are compared a few times each."""

    class Name(str):
        compared = 0
        __hash__ = str.__hash__

        def __eq__(self, other):
            Name.compared += 1
            return str.__eq__(self, other)

    from finpulse_assets.domain.serving.request import _object_without_repeats

    many = [(Name(f"n{number}"), 1) for number in range(4000)]
    with pytest.raises(RequestError, match="names 'n3999' twice"):
        _object_without_repeats([*many, (Name("n3999"), 2)])
    assert Name.compared < 40_000
