"""Deliveries case by case: knowledge time, lateness, coverage, edits and corrections."""

from __future__ import annotations

from datetime import UTC, date, datetime

import polars as pl
import pytest

from finpulse_assets.gateways.sources.protocols import (
    DELIVERED_ACTIONS,
    DELIVERED_PRICES,
    DELIVERED_TEXTS,
)
from tests.unit.domain.ingestion.delivery_table import (
    AS_OF,
    JUNE,
    MAY,
    FedTable,
    actions,
    bars,
    covered,
    june,
    texts,
)


def test_months_read_one_after_the_other_are_the_span_read_at_once():
    frame = texts(
        {"text_id": "1", "event_time": datetime(2024, 5, 31, 12, tzinfo=UTC)},
        {"text_id": "2", "event_time": datetime(2024, 6, 1, 3, tzinfo=UTC)},  # still May there
        {"text_id": "3", "event_time": datetime(2024, 6, 1, 4, tzinfo=UTC)},
    )
    whole, halves = FedTable(), FedTable()
    whole.feed(frame, AS_OF, months=(MAY, JUNE))
    assert halves.feed(frame[:2], AS_OF, months=(MAY,)).late == 0
    assert halves.feed(frame[2:], AS_OF, months=(JUNE,)).late == 0
    assert halves.rows.equals(whole.rows)


def test_a_late_text_is_known_from_now_on():
    table = FedTable()
    table.feed(texts({}), june(4))
    before = table.known_at(june(4))
    delivery = table.feed(texts({}, {"text_id": "2", "event_time": june(3)}), june(6))
    assert (delivery.late, delivery.repeated, delivery.rows.height) == (1, 1, 1)
    row = delivery.rows.row(0, named=True)
    assert (row["event_time"], row["knowledge_time"]) == (june(3), june(6))
    assert row["delivered_at"] == june(6)
    assert table.known_at(june(4)).equals(before)


def test_coverage_counts_for_the_months_that_were_read():
    table = FedTable(coverage=covered(JUNE, june(5), june(20)))
    in_may = datetime(2024, 5, 20, 15, tzinfo=UTC)
    delivery = table.feed(
        texts(
            {"text_id": "1", "event_time": in_may},
            {"text_id": "2", "event_time": june(19)},
            {"text_id": "3", "event_time": june(20, 16)},
            {"text_id": "4", "event_time": june(4)},
        ),
        june(21),
    )
    known = dict(delivery.rows.select("text_id", "knowledge_time").iter_rows())
    assert known == {"1": in_may, "2": june(21), "3": june(20, 16), "4": june(4)}
    assert delivery.late == 1


def test_a_source_that_says_when_it_delivered_is_believed():
    table = FedTable()
    table.feed(texts({"event_time": june(3), "knowledge_time": june(5, 22)}), AS_OF)
    row = table.rows.row(0, named=True)
    assert row["knowledge_time"] == june(5, 22)


def test_nothing_is_known_before_it_happens():
    table = FedTable()
    table.feed(texts({"event_time": june(3), "knowledge_time": june(1)}), AS_OF)
    assert table.rows["knowledge_time"].to_list() == [june(3)]


def test_an_edited_text_adds_a_version():
    table = FedTable()
    table.feed(texts({}), june(4))
    delivery = table.feed(texts({"text": "down"}), june(6))
    assert delivery.rows.select("text", "knowledge_time").rows() == [("down", june(6))]
    assert table.rows["text"].to_list() == ["up", "down"]
    assert table.feed(texts({}, {"text": "down"}), june(7)).rows.is_empty()


def test_rows_from_the_future_are_left_for_later():
    frame = texts({}, {"text_id": "2", "event_time": june(5)})
    table = FedTable()
    first = table.feed(frame, june(4))
    assert (first.not_yet_known, first.rows.height, first.repeated) == (1, 1, 0)
    second = table.feed(frame, june(6))
    assert (second.not_yet_known, second.late, second.rows.height) == (0, 0, 1)
    assert second.rows["knowledge_time"].to_list() == [june(5)]


def test_copies_that_differ_in_likes_are_one_version():
    table = FedTable()
    delivery = table.feed(texts(*({"like_count": likes} for likes in (7, None, 3))), AS_OF)
    assert delivery.rows["like_count"].to_list() == [3]
    assert delivery.repeated == 2
    assert table.feed(texts({"like_count": 99}), june(21)).rows.is_empty()


def test_two_versions_of_one_moment_stay_one():
    """An archive that holds both again and again must not make the second one late."""
    frame = texts({"text": "up"}, {"text": "down"})
    table = FedTable()
    table.feed(frame, AS_OF)
    assert table.rows["text"].to_list() == ["down"]
    assert table.feed(frame, june(25)).rows.is_empty()


def test_two_edits_at_one_as_of_time_keep_the_first():
    """A run repeated at a fixed as-of time: what that time saw stands until time moves on."""
    table = FedTable()
    table.feed(texts({"text": "one"}), june(4))
    assert table.feed(texts({"text": "two"}), june(6)).late == 1
    third = table.feed(texts({"text": "three"}), june(6))
    assert (third.rows.height, third.late, third.repeated) == (0, 0, 1)
    assert table.feed(texts({"text": "three"}), june(7)).rows["text"].to_list() == ["three"]


def test_a_replaced_version_that_comes_late_is_not_the_newest():
    table = FedTable()
    replaced = {"text": "draft", "knowledge_time": june(3, 16)}
    final = {"text": "final", "knowledge_time": june(3, 18)}
    table.feed(texts(final), june(4))
    assert table.feed(texts(replaced, final), june(6)).rows.is_empty()
    assert table.rows["text"].to_list() == ["final"]


def test_the_last_of_several_late_versions_counts():
    table = FedTable(coverage=covered(JUNE, june(1), june(10)))
    draft = {"text": "draft", "knowledge_time": june(3)}
    final = {"text": "final", "knowledge_time": june(4)}
    assert table.feed(texts(draft, final), june(11)).rows["text"].to_list() == ["final"]
    assert table.feed(texts(draft, final), june(12)).rows.is_empty()


def test_refused_rows_are_counted_and_kept_apart():
    delivery = FedTable().feed(texts({}, {"ticker": None}, {"text": ""}), AS_OF)
    assert (delivery.delivered, delivery.refused, delivery.rows.height) == (3, 2, 1)
    assert delivery.bad_share == pytest.approx(2 / 3)
    assert delivery.quarantined["reason"].sort().to_list() == [
        "text is empty",
        "ticker is missing",
    ]


@pytest.mark.parametrize("table", [FedTable(), FedTable("prices"), FedTable("corporate_actions")])
def test_an_empty_delivery_is_no_mistake(table):
    schema = {
        "tweets": DELIVERED_TEXTS,
        "prices": DELIVERED_PRICES,
        "corporate_actions": DELIVERED_ACTIONS,
    }[table.kind]
    delivery = table.feed(pl.DataFrame(schema=dict(schema)), AS_OF)
    assert delivery.rows.schema == table.contract.empty().schema
    assert (delivery.delivered, delivery.bad_share) == (0, 0.0)


def test_headlines_keep_their_own_table():
    table = FedTable("headlines")
    delivery = table.feed(texts({"is_retweet": None, "author": None}), AS_OF)
    assert delivery.rows["is_retweet"].to_list() == [False]
    assert table.contract.name == "source/test/headlines"


def test_a_ticker_that_is_added_later_brings_its_history():
    """The table was covered for others; nobody had asked about this one."""
    table = FedTable("prices")
    table.feed(bars({}), june(10), tickers=("AAPL",))
    delivery = table.feed(bars({}, {"ticker": "MSFT"}), june(12))
    assert delivery.late == 0
    assert delivery.rows.select("ticker", "knowledge_time").rows() == [("MSFT", june(3, 20))]


def test_a_bar_fetched_between_close_and_decision_is_completed():
    """At 16:05 the source has half of the day; at 16:30 it has all of it, and that one counts."""
    table = FedTable("prices")
    half = table.feed(bars({"close": 9.0}), june(3, 20, 5), months=())
    assert (half.not_yet_known, half.rows.height) == (1, 0)
    whole = table.feed(bars({}), june(3, 20, 30))
    assert whole.rows.select("close", "knowledge_time").rows() == [(10.0, june(3, 20))]


def test_a_bar_is_known_at_its_close():
    table = FedTable("prices")
    half_day = date(2024, 7, 3)
    delivery = table.feed(
        bars({}, {"session_date": half_day}), datetime(2024, 7, 3, 17, 15, tzinfo=UTC)
    )
    assert delivery.rows["knowledge_time"].to_list() == [
        june(3, 20),
        datetime(2024, 7, 3, 17, tzinfo=UTC),
    ]
    assert delivery.rows["event_time"].equals(delivery.rows["knowledge_time"].rename("event_time"))
    assert FedTable("prices").feed(bars({}), june(3, 19, 59)).not_yet_known == 1


def test_a_corrected_price_adds_a_version():
    table = FedTable("prices")
    table.feed(bars({}), june(4))
    assert table.feed(bars({}), june(5)).rows.is_empty()
    delivery = table.feed(bars({"close": 9.5}), june(6))
    assert delivery.late == 1
    assert table.rows.select("close", "knowledge_time").rows() == [
        (10.0, june(3, 20)),
        (9.5, june(6)),
    ]
    assert table.rows["event_time"].unique().to_list() == [june(3, 20)]


def test_an_action_is_known_at_the_open_unless_announced():
    table = FedTable("corporate_actions")
    announced = {"kind": "dividend", "value": 0.25, "knowledge_time": june(1)}
    assert table.feed(actions({}, announced), june(3)).not_yet_known == 1
    assert table.rows.select("kind", "knowledge_time").rows() == [("dividend", june(1))]
    table.feed(actions({}, announced), june(10, 13, 30))
    assert table.rows.select("kind", "event_time", "knowledge_time").rows() == [
        ("dividend", june(10, 13, 30), june(1)),
        ("split", june(10, 13, 30), june(10, 13, 30)),
    ]


def test_a_corrected_split_adds_a_version():
    table = FedTable("corporate_actions")
    table.feed(actions({}), june(11))
    table.feed(actions({"value": 5.0}), june(12))
    assert table.rows.select("value", "knowledge_time").rows() == [
        (4.0, june(10, 13, 30)),
        (5.0, june(12)),
    ]


def test_a_version_that_the_source_takes_back_counts_no_more():
    """10, corrected to 9.5, corrected back to 10: the last word is 10."""
    table, window = FedTable("prices"), (june(1), june(30))
    table.feed(bars({}), june(4), window=window)
    table.feed(bars({"close": 9.5}), june(5), window=window)
    delivery = table.feed(bars({}), june(6), window=window)
    assert delivery.late == 1
    assert table.rows.sort("knowledge_time")["close"].to_list() == [10.0, 9.5, 10.0]
    assert table.feed(bars({}), june(7), window=window).rows.is_empty()


def test_a_version_outside_the_question_is_not_taken_back():
    table = FedTable("prices")
    table.feed(bars({}), june(4))
    table.feed(bars({"close": 9.5}), june(20))
    assert table.feed(bars({}), june(21), window=(june(1), june(10))).rows.is_empty()
