"""Text drift: other words are found, chance and topics that come and go are not."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from finpulse_assets.domain.calendar import build_sessions
from finpulse_assets.domain.monitoring.text_drift import (
    BAG_OF_WORDS,
    TextDrift,
    TextDriftRule,
    bags_of_words,
    measure_text_drift,
    sampled,
)
from finpulse_assets.domain.monitoring.two_samples import domain_auc, mmd_with_p_value
from finpulse_assets.domain.plots.text_drift import text_drift_plot
from finpulse_assets.schemas import TEXT_DRIFT

DAYS = build_sessions(date(2024, 1, 2), date(2024, 12, 31))["session_date"].to_list()[:100]


def words(start: str, count: int) -> list[str]:
    """Return words without a digit, which would not count."""
    return [f"{start}{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(count)]


USUAL, LATER = words("word", 60), words("novel", 60)
A_DAY = 12


def texts_of(days, words_of, seed=0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    rows = [(day, " ".join(rng.choice(words_of(at), 9))) for at, day in days for _ in range(A_DAY)]
    return pl.DataFrame(rows, schema=["session_date", "text"], orient="row")


def drift_of(words_of, *, first: int = 0, a_day: int = A_DAY) -> TextDrift:
    every = texts_of(list(enumerate(DAYS))[first:], words_of)
    every = every.group_by("session_date", maintain_order=True).head(a_day)
    recent = every.filter(pl.col("session_date") >= DAYS[-20])
    reference = every.filter(pl.col("session_date") < DAYS[-20])
    return measure_text_drift(
        recent,
        reference,
        (bags_of_words(recent["text"]), bags_of_words(reference["text"])),
        session_date=DAYS[-1],
        made_by=BAG_OF_WORDS,
        model_version="m1",
    )


def test_the_same_words_are_no_drift():
    found = drift_of(lambda _: USUAL)
    row = found.row.row(0, named=True)
    assert not row["is_drifted"]
    assert 0.4 < row["auc"] < 0.6
    assert row["mmd_p_value"] > 0.01
    assert found.spans.height == 4
    assert found.sentence.startswith(f"no drift of the texts on {DAYS[-1]}: ")
    assert (row["recent_texts"], row["reference_texts"]) == (20 * A_DAY, 80 * A_DAY)
    assert (row["reference_from"], row["reference_to"]) == (DAYS[0], DAYS[-21])


def test_other_words_are_drift_and_are_named():
    found = drift_of(lambda at: USUAL if at < 80 else USUAL[:40] + LATER[:20])
    row = found.row.row(0, named=True)
    assert row["is_drifted"]
    assert row["auc"] > 0.8
    assert row["mmd_p_value"] == 0.001
    assert set(found.words["word"]) <= {*LATER[:20], *USUAL[40:]}
    assert text_drift_plot(found).startswith(b"\x89PNG")


def test_topics_that_always_came_and_went_are_no_drift():
    found = drift_of(lambda at: USUAL[:20] + words("topic" + "abcde"[at // 20], 20))
    row = found.row.row(0, named=True)
    assert row["auc"] > 0.8
    assert row["mmd_p_value"] <= 0.01
    assert not row["is_drifted"]


@pytest.mark.parametrize(
    "few", [{"first": 60}, {"a_day": 2}], ids=["a short reference", "few texts"]
)
def test_too_little_to_judge_is_said_and_is_no_drift(few):
    found = drift_of(lambda at: USUAL if at < 80 else LATER, **few)
    assert found.row.select("auc", "auc_limit", "mmd", "mmd_p_value").row(0) == (None,) * 4
    assert not found.row["is_drifted"][0]
    assert found.sentence == f"too few texts or sessions to judge the texts on {DAYS[-1]}"
    assert text_drift_plot(found).startswith(b"\x89PNG")


def test_no_texts_at_all_have_a_report():
    none = texts_of([], lambda _: USUAL).cast({"session_date": pl.Date, "text": pl.String})
    found = measure_text_drift(
        none, none, (bags_of_words([]), bags_of_words([])),
        session_date=DAYS[-1], made_by=BAG_OF_WORDS, model_version="m1",
    )  # fmt: skip
    assert found.row.equals(TEXT_DRIFT.enforce(found.row))
    assert found.row["auc"][0] is None


def test_p_values_of_equal_periods_are_spread_over_zero_to_one():
    rng, session = np.random.default_rng(1), np.repeat(np.arange(30), 6)
    p_values = [
        mmd_with_p_value(rng.normal(size=(180, 4)), session, 20, permutations=99)[1]
        for _ in range(60)
    ]
    assert 0.4 < np.mean(p_values) < 0.6
    assert np.mean(np.array(p_values) <= 0.1) <= 0.2


def test_a_classifier_is_judged_on_sessions_that_it_has_not_seen():
    rng, session = np.random.default_rng(2), np.repeat(np.arange(40), 10)
    # Each session has a mark of its own: seen, it would give its period away.
    x = np.eye(40)[session] * 3 + rng.normal(size=(400, 40)) * 0.1
    assert domain_auc(x, session >= 30, session) == pytest.approx(0.5, abs=0.15)
    x[session >= 30, 0] += 5
    assert domain_auc(x, session >= 30, session) > 0.95


def test_a_sample_takes_as_many_texts_of_each_session_by_their_hash():
    texts = texts_of(list(enumerate(DAYS)), lambda _: USUAL).with_columns(
        text_hash=pl.col("text").hash().cast(pl.String)
    )
    few = sampled(texts.lazy(), rule=TextDriftRule(most_texts=300))
    assert few.height == 300
    assert few["session_date"].value_counts()["count"].unique().to_list() == [3]
    assert few.equals(sampled(texts.reverse().lazy(), rule=TextDriftRule(most_texts=300)))
