"""The champion on its matured predictions: by hand, and which of them are judged."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from finpulse_assets.domain.calendar import build_sessions
from finpulse_assets.domain.evaluation.promotion import Champion
from finpulse_assets.domain.evaluation.proof import proof_lost
from finpulse_assets.domain.monitoring.live_quality import (
    judged_outcomes,
    measure_quality,
    merge_quality,
    record_of,
    sentence_of,
)
from finpulse_assets.schemas import LIVE_QUALITY, OUTCOMES

SESSIONS = build_sessions(date(2024, 1, 2), date(2024, 12, 31))
DAYS = SESSIONS["session_date"].to_list()
DECIDED = dict(SESSIONS.select("session_date", "decision_at").iter_rows())
SINCE = DECIDED[DAYS[10]]
PROVEN = Champion(
    "m1", ("ranking",), {"ranking": 0.06}, "s1", proven_since=SINCE, supported_at=SINCE
)


def outcomes(
    days: list[date],
    *,
    up: list[bool],
    predicted: list[bool],
    version: str = "m1",
    is_current: bool = True,
) -> pl.DataFrame:
    """The same tickers, moves and predictions in each session."""
    rows = [
        {
            "ticker": f"T{at}", "session_date": day, "predicted_at": DECIDED[day],
            "is_current": is_current, "probability_up": 0.6 if says else 0.3,
            "expected_return": 0.01 if says else -0.01, "predicts_up": says, "is_up": moved,
            "return_next_session": 0.02 if moved else -0.02, "is_proven": True,
            "model_version": version, "matured_at": DECIDED[day] + timedelta(days=1),
        }
        for day in days
        for at, (moved, says) in enumerate(zip(up, predicted, strict=True))
    ]  # fmt: skip
    return OUTCOMES.enforce(pl.DataFrame(rows))


def scores(quality: pl.DataFrame) -> dict[tuple[str, str], float | None]:
    return {(row[0], row[1]): row[2] for row in quality.select(
        "predictor", "metric", "value").iter_rows()}  # fmt: skip


def test_hand_computed():
    """Four tickers, up, up, up, down; predicted up, up, down, down: 3 of 4 right."""
    days = DAYS[:2]
    quality = measure_quality(
        outcomes(days, up=[True, True, True, False], predicted=[True, True, False, False]),
        up_rate=0.4,
        model_version="m1",
        resamples=100,
    )
    found = scores(quality)
    assert found["champion", "accuracy"] == 0.75
    assert found["always_up", "accuracy"] == 0.75
    assert found["base_rate", "accuracy"] == 0.25, "0.4 says down"
    assert found["always_up", "accuracy_gain"] == 0.0
    assert found["base_rate", "accuracy_gain"] == 0.5
    # tp 2, tn 1, fp 0, fn 1: (2 - 0) / sqrt(2 * 3 * 1 * 2)
    assert found["champion", "mcc"] == pytest.approx(2 / np.sqrt(12))
    assert found["always_up", "mcc"] == 0.0
    # -(2 ln 0.6 + ln 0.3 + ln 0.7) / 4, and -(3 ln 0.4 + ln 0.6) / 4
    assert found["champion", "log_loss"] == pytest.approx(
        -(2 * np.log(0.6) + np.log(0.3) + np.log(0.7)) / 4
    )
    assert found["base_rate", "log_loss"] == pytest.approx(-(3 * np.log(0.4) + np.log(0.6)) / 4)
    assert found["always_up", "log_loss"] is None, "it states no probability"
    assert found["always_up", "rank_ic"] is None, "it orders nothing"
    # Ranks of 0.6 0.6 0.3 0.3 are 3.5 3.5 1.5 1.5, of the returns 3 3 3 1: r = 1 / sqrt 3.
    assert found["champion", "rank_ic"] == pytest.approx(1 / np.sqrt(3))
    assert quality.select("row_count", "session_count").unique().rows() == [(8, 2)]
    assert quality["lower"].null_count() == quality.height, "two sessions give no interval"
    assert quality.select("first_session", "session_date").unique().rows() == [tuple(days)]
    assert sentence_of(quality) == (
        "rank IC 0.577, accuracy 0.750 on 8 matured predictions of 2 sessions up to 2024-01-03, "
        "always_up 0.750"
    )


def test_nothing_matured_measures_nothing():
    none = measure_quality(OUTCOMES.empty(), up_rate=0.5, model_version="m1")
    assert none.equals(LIVE_QUALITY.empty())
    assert sentence_of(none) == "no live prediction has matured yet"
    record = record_of(none, none, PROVEN, SESSIONS.head(40))
    assert (record.sessions, record.estimates, record.last_session) == (0, {}, None)
    assert record.sessions_since_support == 29  # sessions 11 to 39


def test_a_proof_is_held_to_all_that_was_published_under_it():
    """A retraining every week must not wipe the record out: m0 was replaced by m1 meanwhile."""
    move = {"up": [True], "predicted": [True]}
    history = pl.concat(
        [
            outcomes(DAYS[:20], **move, version="m0"),
            outcomes(DAYS[20:70], **move, version="m1"),
            outcomes(DAYS[70:71], **move, version="m2", is_current=False),
        ]
    )
    judged = judged_outcomes(history, PROVEN)
    assert judged["session_date"].to_list() == DAYS[30:70], "the last 40 that counted"
    early = judged_outcomes(history.head(30), PROVEN)
    assert early["session_date"].to_list() == DAYS[10:30], "none from before the proof"
    assert set(early["model_version"]) == {"m0", "m1"}
    unproven = Champion("m1", (), {})
    assert set(judged_outcomes(history, unproven)["model_version"]) == {"m1"}


@pytest.mark.parametrize(("is_right", "lost"), [(True, False), (False, True)])
def test_a_champion_that_fails_live_loses_its_proof_and_one_that_holds_keeps_it(is_right, lost):
    """Four tickers, two up and two down: all right has a rank IC of 1, all wrong of -1."""
    up = [True, True, False, False]
    history = outcomes(DAYS[10:30], up=up, predicted=up if is_right else up[::-1])
    quality = measure_quality(
        judged_outcomes(history, PROVEN), up_rate=0.5, model_version="m1", resamples=100
    )
    record = record_of(quality, LIVE_QUALITY.empty(), PROVEN, SESSIONS.head(31))
    assert record.sessions == 20
    assert record.estimates["ranking"].value == pytest.approx(1 if is_right else -1)
    decision = proof_lost(
        PROVEN, record, scored_by="s1", decided_at=datetime(2024, 3, 1, tzinfo=UTC)
    )
    assert (decision is not None) is lost
    assert record.sessions_since_support == (1 if is_right else 20)


def test_a_day_is_measured_again_not_twice():
    day = outcomes(DAYS[:5], up=[True], predicted=[True])
    first = measure_quality(day, up_rate=0.5, model_version="m1", resamples=100)
    again = measure_quality(day, up_rate=0.5, model_version="m2", resamples=100)
    merged = merge_quality(first, again)
    assert merged.equals(again)
    later = measure_quality(
        outcomes(DAYS[:6], up=[True], predicted=[True]), up_rate=0.5, model_version="m2",
        resamples=100,
    )  # fmt: skip
    assert merge_quality(merged, later)["session_date"].unique().sort().to_list() == DAYS[4:6]
