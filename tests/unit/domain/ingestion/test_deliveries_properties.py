"""Deliveries as properties: order, repetition, halves and lateness, whatever the rows."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.domain.ingestion.delivery_table import AS_OF, TICKERS, FedTable, june, texts

ROW = st.fixed_dictionaries(
    {
        "text_id": st.sampled_from("12345"),
        "ticker": st.sampled_from([*TICKERS, None]),
        # Some of these rows are known after AS_OF.
        "event_time": st.integers(1, 22).map(june),
        "knowledge_time": st.none() | st.integers(10, 24).map(june),
        "text": st.sampled_from(["up", "down", " "]),
        "like_count": st.none() | st.integers(0, 3),
    }
)
PROPERTY = settings(max_examples=40, deadline=None, derandomize=True)


@PROPERTY
@given(rows=st.lists(ROW, min_size=1, max_size=10), random=st.randoms(use_true_random=False))
def test_order_does_not_count(rows, random):
    shuffled = random.sample(rows, len(rows))
    plain, other = FedTable(), FedTable()
    plain.feed(texts(*rows), AS_OF)
    other.feed(texts(*shuffled), AS_OF)
    assert plain.rows.equals(other.rows)


@PROPERTY
@given(rows=st.lists(ROW, min_size=1, max_size=10))
def test_a_delivery_that_is_repeated_adds_nothing(rows):
    once, twice = FedTable(), FedTable()
    once.feed(texts(*rows), AS_OF)
    first = twice.feed(texts(*rows), AS_OF)
    again = twice.feed(texts(*rows, *rows), AS_OF)
    assert once.rows.equals(twice.rows)
    assert again.rows.is_empty()
    assert (again.refused, again.late) == (2 * first.refused, 0)
    assert twice.feed(texts(*rows), AS_OF + timedelta(days=1)).late == 0
    assert twice.known_at(AS_OF).equals(once.rows)


@PROPERTY
@given(rows=st.lists(ROW, min_size=1, max_size=10), ids=st.sets(st.sampled_from("12345")))
def test_two_halves_are_the_whole(rows, ids):
    """Cut by text, before the month is noted as read: a run that was killed half-way."""
    whole, halves = FedTable(), FedTable()
    whole.feed(texts(*rows), AS_OF)
    frame = texts(*rows)
    in_first = pl.col("text_id").is_in(list(ids))
    halves.feed(frame.filter(in_first), AS_OF, months=())
    halves.feed(frame.filter(~in_first), AS_OF)
    assert halves.rows.equals(whole.rows)


@PROPERTY
@given(rows=st.lists(ROW, min_size=1, max_size=8), late=st.lists(ROW, min_size=1, max_size=8))
def test_what_comes_late_leaves_the_past_alone(rows, late):
    table = FedTable()
    table.feed(texts(*rows), AS_OF)
    before = table.known_at(AS_OF)
    delivery = table.feed(texts(*rows, *late), june(25))
    assert table.known_at(AS_OF).equals(before)
    assert delivery.rows["knowledge_time"].min() is None or (
        delivery.rows["knowledge_time"].min() > AS_OF
    )
    assert table.feed(texts(*rows, *late), june(25)).rows.is_empty()
