"""Embeddings as features: means of a ticker and of all, by components of the reference alone."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from finpulse_assets.domain.texts.embeddings import (
    COMPONENTS,
    NAMES,
    TEXT_EMBEDDINGS,
    Components,
    embedding_features,
)

DAYS = [date(2024, 1, 1) + timedelta(days=n) for n in range(30)]
REFERENCE = pl.Series(DAYS[:20])
TEXTS, WIDTH = 20, 16


def said_of(days, tickers=("AA", "BB")) -> pl.DataFrame:
    rows = [(tickers[n % len(tickers)], day, f"{day}-{n}") for day in days for n in range(TEXTS)]
    return pl.DataFrame(rows, schema=["ticker", "session_date", "text_hash"], orient="row")


@pytest.fixture
def vectors() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(len(DAYS) * TEXTS, WIDTH)) * np.arange(
        1, WIDTH + 1
    )


def test_a_row_is_the_mean_of_the_texts_of_its_ticker_and_of_all(vectors):
    said = said_of(DAYS)
    rows = embedding_features(said, vectors, said["text_hash"], reference=REFERENCE)
    components = Components.fit(vectors[: 20 * TEXTS])
    assert rows.height == len(DAYS) * 2
    last = rows.filter(session_date=DAYS[-1], ticker="BB").row(0, named=True)
    of_day = components(vectors[-TEXTS:])
    assert [last[name] for name in NAMES[:COMPONENTS]] == pytest.approx(of_day[1::2].mean(axis=0))
    assert [last[name] for name in NAMES[COMPONENTS:]] == pytest.approx(of_day.mean(axis=0))


def test_components_are_those_of_the_largest_differences_in_the_reference():
    x = np.random.default_rng(1).normal(size=(500, WIDTH)) * np.arange(WIDTH, 0, -1)
    components = Components.fit(x)
    assert np.abs(components.axes[0]).argmax() == 0
    assert components(x).std(axis=0) == pytest.approx(np.ones(COMPONENTS))
    assert Components.fit(x.copy()).axes.tobytes() == components.axes.tobytes()


def test_what_was_written_after_the_reference_changes_no_row_before_it(vectors):
    said = said_of(DAYS)
    whole = embedding_features(said, vectors, said["text_hash"], reference=REFERENCE)
    early = said_of(DAYS[:25])
    part = embedding_features(
        early, vectors[: early.height], early["text_hash"], reference=REFERENCE
    )
    assert part.equals(whole.filter(pl.col("session_date") <= DAYS[24]))
    moved = vectors.copy()
    moved[25 * TEXTS :] += 100
    other = embedding_features(said, moved, said["text_hash"], reference=REFERENCE)
    assert other.filter(pl.col("session_date") <= DAYS[24]).equals(part)


def test_a_text_about_two_tickers_counts_for_each_and_once_for_all(vectors):
    said = said_of(DAYS)
    twice = pl.concat([said, said.filter(ticker="AA").with_columns(ticker=pl.lit("CC"))])
    rows = embedding_features(twice, vectors, said["text_hash"], reference=REFERENCE)
    usual = embedding_features(said, vectors, said["text_hash"], reference=REFERENCE)
    assert rows.filter(pl.col("ticker") != "CC").equals(usual)
    assert rows.filter(ticker="CC").drop("ticker").equals(rows.filter(ticker="AA").drop("ticker"))


def test_a_short_reference_gives_no_rows(vectors):
    said = said_of(DAYS)
    few = embedding_features(said, vectors, said["text_hash"], reference=pl.Series(DAYS[:4]))
    assert few.equals(TEXT_EMBEDDINGS.empty())
