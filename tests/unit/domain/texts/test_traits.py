"""Traits of texts: one row a text and session, whose language counts, and strange texts."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl

from finpulse_assets.domain.texts import traits as traits_module
from finpulse_assets.domain.texts.normalise import text_hash
from finpulse_assets.domain.texts.traits import left_out, text_traits
from finpulse_assets.schemas import TEXT_TRAITS

DAY = date(2024, 1, 5)
GERMAN, ENGLISH, SIGN = "Die Aktie steigt heute stark", "The stock is up today, $T and $aapl", "+5%"
STRANGE = [
    " ", "\x00", "\u200b", "🚀🚀🚀", "https://t.co/x", "RT @joe:", "متن فارسی دربارهٔ سهام",
    "x" * 10_000,    "\u202e$T to the moon\u202c", "e\u0301" * 50, "�",
]  # fmt: skip


def said(*texts: str, day: date = DAY) -> pl.DataFrame:
    at = datetime(day.year, day.month, day.day, 15, tzinfo=UTC)
    rows = [
        {"text_hash": text_hash(text), "text": text, "session_date": day,
         "knowledge_time": at + timedelta(minutes=n)} for n, text in enumerate(texts)
    ]  # fmt: skip
    return pl.DataFrame(rows)


def by_text(traits: pl.DataFrame, text: str) -> dict[str, object]:
    return traits.filter(text_hash=text_hash(text)).row(0, named=True)


def test_only_texts_of_the_chosen_languages_count():
    texts = said(GERMAN, ENGLISH, SIGN, GERMAN + "!").lazy()
    usual = text_traits(texts, languages=["en"])
    assert [by_text(usual, it)["is_counted"] for it in (GERMAN, ENGLISH, SIGN)] == [
        False,
        True,
        True,
    ]
    assert by_text(usual, ENGLISH)["cashtag_count"] == 2
    assert left_out(usual.lazy()).rows() == [("de", 2)]
    for languages in (["en", "de"], ["all"]):
        assert text_traits(texts, languages=languages)["is_counted"].all()


def test_a_text_has_one_row_a_session_from_its_first_message_on():
    later = DAY + timedelta(days=3)
    texts = pl.concat([said(ENGLISH, SIGN, ENGLISH), said(SIGN, ENGLISH, day=later)])
    traits = text_traits(texts.lazy(), languages=["en"])
    assert traits.height == 4
    own = traits.filter(text_hash=text_hash(ENGLISH)).sort("session_date")
    assert own["first_known_at"].dt.minute().to_list() == [0, 1]
    assert set(own["group_hash"]) == {text_hash(ENGLISH)}


def test_strange_texts_have_traits():
    traits = text_traits(said(*STRANGE).lazy(), languages=["en"])
    assert traits.height == len({text_hash(it) for it in STRANGE})
    assert by_text(traits, "متن فارسی دربارهٔ سهام")["language"] == "fa"
    assert by_text(traits, "\u202e$T to the moon\u202c")["language"] == "en"
    assert text_traits(said("a").head(0).lazy(), languages=["en"]).equals(TEXT_TRAITS.empty())


def test_the_language_of_a_text_that_is_held_is_not_found_again(monkeypatch):
    texts = said(GERMAN, ENGLISH).lazy()
    held = text_traits(texts, languages=["en"])
    asked = []
    monkeypatch.setattr(traits_module, "language_of", lambda it: asked.append(it) or "fr")
    again = text_traits(pl.concat([texts, said(SIGN).lazy()]), languages=["all"], held=held)
    assert asked == [SIGN]
    assert by_text(again, GERMAN)["language"] == "de"
    assert again["is_counted"].all()
