"""Which texts are near copies: slight changes, time, and nothing that comes later."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finpulse_assets.domain.texts.near_copies import WINDOW, near_copies
from finpulse_assets.domain.texts.normalise import normalise_text
from tests.fakes.bursts import CHANGES, burst

DAY = date(2024, 1, 5)
CLAIM = "Buy $ACME now before it is too late, huge gains are coming and it is going to the moon"
HONEST = [
    "Acme beats estimates on revenue and raises its guidance for the year",
    "The chief financial officer of Acme leaves after eleven years",
    "Short interest in $ACME fell again last week",
    "Not sure about $ACME, the chart looks tired",
]


def groups_of(texts, days=None):
    return near_copies([normalise_text(it) for it in texts], days or [DAY] * len(texts))


# Two wrong letters are pieces of ten words: a third of a text.
MOST_GROUPS = dict.fromkeys(CHANGES, 4) | {"a random tail": 1, "two wrong letters": 40}


@pytest.mark.parametrize("change", CHANGES)
def test_a_text_that_is_slightly_changed_five_hundred_times_is_hardly_more_than_one(change):
    copies = burst(CLAIM, change, 500)
    assert len(set(copies)) > 10
    found = groups_of([*HONEST, *copies])
    assert found[: len(HONEST)] == list(range(len(HONEST)))
    assert len(set(found[len(HONEST) :])) <= MOST_GROUPS[change]
    assert min(found[len(HONEST) :]) >= len(HONEST)


def test_texts_without_a_word_are_copies_of_each_other():
    assert groups_of(["$ACME", "$XYZ $ACME +3.75% :)", "https://t.co/a @joe", "up"]) == [0, 0, 0, 3]


def test_a_copy_belongs_to_the_first_text_that_leads_to_it():
    changed = CLAIM.replace("Buy", "Sell").replace("huge", "big").replace("coming", "near")
    far = changed.replace("gains", "losses")
    assert groups_of([CLAIM, far]) == [0, 1]
    assert groups_of([CLAIM, changed, far]) == [0, 0, 0]


def test_a_group_reaches_back_a_window_from_the_text_that_asks():
    days = [DAY, DAY + WINDOW, DAY + 2 * WINDOW, DAY + 3 * WINDOW + timedelta(days=1)]
    assert groups_of([CLAIM] * 4, days) == [0, 0, 1, 3]


WORDS = st.lists(st.sampled_from(CLAIM.split()), min_size=1, max_size=8).map(" ".join)


@given(st.lists(st.tuples(WORDS, st.integers(0, 25)), max_size=25), st.integers(0, 25))
def test_nothing_that_comes_later_moves_a_text(said, cut):
    said = sorted(said, key=lambda it: it[1])
    texts, days = [text for text, _ in said], [DAY + timedelta(days=n) for _, n in said]
    assert groups_of(texts, days)[:cut] == groups_of(texts[:cut], days[:cut])


@given(st.lists(st.tuples(WORDS, st.integers(0, 25)), min_size=1, max_size=25))
def test_two_windows_are_all_that_a_day_needs(said):
    said = sorted(said, key=lambda it: it[1])
    texts, days = [text for text, _ in said], [DAY + timedelta(days=n) for _, n in said]
    first = next(n for n, day in enumerate(days) if day >= days[-1] - 2 * WINDOW)
    asked = [n for n, day in enumerate(days) if day == days[-1]]
    late = groups_of(texts[first:], days[first:])
    whole = groups_of(texts, days)
    assert [whole[n] for n in asked] == [late[n - first] + first for n in asked]
