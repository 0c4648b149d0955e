"""Months of traits: what changed is made again, near copies reach over the end of a month."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from finpulse_assets.domain.texts import traits as traits_module
from finpulse_assets.domain.texts.normalise import text_hash
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.orchestration.training.text_traits import trait_months, traits_metadata
from finpulse_assets.schemas import TEXT_TRAITS, TWEETS
from tests.fakes.texts import noon, tweets

JANUARY, FEBRUARY, MARCH = "2024-01-01", "2024-02-01", "2024-03-01"
CLAIM = "buy acme now, it goes to the moon"
GERMAN = "Die Aktie von Acme steigt heute stark"


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(tmp_path)
    said = [
        (CLAIM, noon(date(2024, 1, 30))),
        (GERMAN, noon(date(2024, 1, 30))),
        (f"{CLAIM} 77", noon(date(2024, 2, 1))),
        ("acme beats", noon(date(2024, 3, 7))),
    ]
    lake.append(TWEETS, tweets(said), [])
    return lake


def test_only_months_whose_texts_or_settings_changed_are_made(lake):
    months = [JANUARY, FEBRUARY, MARCH]
    assert trait_months(lake, months, languages=["en"]) == {JANUARY: 2, FEBRUARY: 1, MARCH: 1}
    assert trait_months(lake, months, languages=["en"]) == {}
    lake.append(TWEETS, tweets([("acme again", noon(date(2024, 1, 4)))]), [])
    assert trait_months(lake, [MARCH], languages=["en"]) == {JANUARY: 3, FEBRUARY: 1}
    assert list(trait_months(lake, [MARCH], languages=["all"])) == months


def test_a_copy_finds_its_original_in_the_month_before(lake):
    trait_months(lake, [JANUARY, FEBRUARY, MARCH], languages=["en"])
    copy = lake.scan(TEXT_TRAITS, [FEBRUARY]).collect().row(0, named=True)
    assert copy["group_hash"] == text_hash(CLAIM) != copy["text_hash"]


def test_a_language_is_found_once_until_the_rules_change(lake, monkeypatch):
    trait_months(lake, [JANUARY], languages=["en"])
    asked = []
    monkeypatch.setattr(traits_module, "language_of", lambda it: asked.append(it) or "en")
    lake.append(TWEETS, tweets([("acme again", noon(date(2024, 1, 4)))]), [])
    trait_months(lake, [JANUARY], languages=["en"])
    assert asked == ["acme again"]
    monkeypatch.setattr("finpulse_assets.orchestration.training.text_traits.TRAITS_VERSION", 99)
    trait_months(lake, [JANUARY], languages=["en"])
    assert GERMAN in asked[1:]


def test_what_is_left_out_is_counted_and_named(lake):
    trait_months(lake, [JANUARY, FEBRUARY], languages=["en"])
    shown = traits_metadata(lake, [JANUARY, FEBRUARY])
    assert shown["left_out"] == "left out by FINPULSE_LANGUAGES: 1 of 3 texts (1 de)"
    assert shown["left_out_texts"] == 1
    assert shown["near_copy_share"] == pytest.approx(1 / 3)


def test_months_without_a_text_exist(tmp_path):
    assert trait_months(Lake(tmp_path), [JANUARY], languages=["en"]) == {JANUARY: 0}
    assert traits_metadata(Lake(tmp_path), [JANUARY])["left_out_texts"] == 0
