"""Matured outcomes: which signals mature, beside what, and which version counts."""

from __future__ import annotations

from datetime import UTC, date, datetime

import polars as pl

from finpulse_assets.domain.predictions.outcomes import matured
from finpulse_assets.schemas import DAILY_SIGNALS, OUTCOMES

FRIDAY, MONDAY, TUESDAY = date(2024, 3, 1), date(2024, 3, 4), date(2024, 3, 5)


def at(day: date, hour: int) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


def signal(ticker: str, day: date, hour: int, probability: float, **other) -> dict:
    return {
        "ticker": ticker, "session_date": day, "predicted_at": at(day, hour),
        "decision_at": at(day, 21), "target_session_date": MONDAY, "origin": "live",
        "probability_up": probability, "probability_lower": None, "probability_upper": None,
        "expected_return": 0.01, "rank": 1, "reasons": "none", "is_proven": True,
        "skills": "ranking", "return_lower": None, "return_upper": None, "abstain_reason": None,
        "return_p10": None, "return_p50": None, "return_p90": None, "expected_sentiment": None,
        "model_version": "m1",
    } | other  # fmt: skip


LABELS = pl.DataFrame(
    {
        "ticker": ["A", "B"],
        "session_date": [FRIDAY] * 2,
        "exit_at": [at(MONDAY, 21)] * 2,
        "is_up": [True, False],
        "return_next_session": [0.02, -0.03],
        "entry_at": [at(MONDAY, 14)] * 2,
    }
)


def test_live_signals_mature_beside_what_their_session_did():
    history = DAILY_SIGNALS.enforce(
        pl.DataFrame(
            [
                signal("A", FRIDAY, 21, 0.4),
                signal("A", FRIDAY, 23, 0.7, model_version="m2"),
                signal("B", FRIDAY, 23, 0.5, model_version="m2"),
                signal("HALTED", FRIDAY, 23, 0.9),  # has no label
                signal("A", MONDAY, 21, 0.9, target_session_date=TUESDAY),  # has not closed yet
            ],
            infer_schema_length=None,
        )
    )
    found = matured(history, LABELS)
    columns = ("ticker", "is_current", "predicts_up", "is_up", "return_next_session",
               "model_version")  # fmt: skip
    assert found.select(columns).rows() == [
        ("A", False, False, True, 0.02, "m1"),
        ("A", True, True, True, 0.02, "m2"),
        ("B", True, True, False, -0.03, "m2"),
    ]
    assert found["matured_at"].unique().to_list() == [at(MONDAY, 21)]


def test_a_late_signal_never_matures():
    late = DAILY_SIGNALS.enforce(pl.DataFrame([signal("A", FRIDAY, 23, 0.9, origin="late")]))
    assert matured(late, LABELS).equals(OUTCOMES.empty())
    assert matured(DAILY_SIGNALS.empty(), LABELS.clear()).equals(OUTCOMES.empty())
