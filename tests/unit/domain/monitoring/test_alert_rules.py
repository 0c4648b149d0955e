"""What counts as wrong: the rule of each kind of alert."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from finpulse_assets.domain.calendar import build_sessions
from finpulse_assets.domain.evaluation.promotion import Champion, Promotion
from finpulse_assets.domain.monitoring import alert_rules as rules
from finpulse_assets.domain.monitoring.alert import Kind, Severity
from finpulse_assets.schemas import FEATURE_DRIFT, TEXT_DRIFT

NOON = datetime(2024, 3, 4, 12, tzinfo=UTC)
DELAY = timedelta(minutes=15)


SESSIONS = build_sessions(date(2024, 2, 1), date(2024, 3, 8), decision_delay=DELAY)
FRIDAY_NIGHT = datetime(2024, 3, 1, 21, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("reached", "now", "severity"),
    [
        (date(2024, 3, 1), FRIDAY_NIGHT + timedelta(hours=5), None),
        (date(2024, 2, 29), FRIDAY_NIGHT + timedelta(hours=1), None),
        (date(2024, 2, 29), FRIDAY_NIGHT + timedelta(hours=2), Severity.WARNING),
        (date(2024, 3, 1), datetime(2024, 3, 4, 20, tzinfo=UTC), None),
        (date(2024, 2, 28), FRIDAY_NIGHT + timedelta(hours=2), Severity.WARNING),
        (date(2024, 2, 27), FRIDAY_NIGHT + timedelta(hours=2), Severity.CRITICAL),
        (None, FRIDAY_NIGHT + timedelta(hours=2), Severity.CRITICAL),
    ],
)
def test_a_table_is_stale_two_hours_after_a_decision_and_not_at_weekends(reached, now, severity):
    found = rules.stale_tables({"raw/prices": reached}, SESSIONS, now)
    assert [a.severity for a in found] == ([severity] if severity else [])


def test_a_stale_table_says_since_when_and_how_much_is_lacking():
    late = FRIDAY_NIGHT + timedelta(days=1)
    (found,) = rules.stale_tables({"raw/prices": date(2024, 2, 28)}, SESSIONS, late)
    assert found.what == "raw/prices reaches 2024-02-28 and lacks 2 sessions to 2024-03-01"
    assert found.since == datetime(2024, 2, 29, 21, 15, tzinfo=UTC)
    (found,) = rules.stale_tables({"raw/prices": None}, SESSIONS, late)
    assert (found.what, found.since) == ("raw/prices has no rows", FRIDAY_NIGHT)


@pytest.mark.parametrize(
    ("reached", "count"), [(None, 0), (date(2024, 2, 27), 0), (date(2024, 2, 26), 1)]
)
def test_texts_may_be_silent_for_three_sessions_or_for_ever(reached, count):
    late = FRIDAY_NIGHT + timedelta(days=1)
    found = rules.stale_tables({"raw/tweets": reached}, SESSIONS, late)
    assert [a.severity for a in found] == [Severity.WARNING] * count


def test_texts_of_a_small_universe_may_be_silent_for_twice_as_long_as_they_usually_are():
    late = FRIDAY_NIGHT + timedelta(days=1)
    reached, usual = {"raw/headlines": date(2024, 2, 26)}, {"raw/headlines": 2}
    assert rules.stale_tables(reached, SESSIONS, late, usual) == []
    assert len(rules.stale_tables(reached, SESSIONS, late, {"raw/headlines": 1})) == 1


def test_a_stale_table_has_the_size_of_what_it_lacks():
    late = FRIDAY_NIGHT + timedelta(days=1)
    (found,) = rules.stale_tables({"raw/prices": date(2024, 2, 20)}, SESSIONS, late)
    assert (found.size, found.severity) == (8, Severity.CRITICAL)
    (found,) = rules.stale_tables({"raw/prices": None}, SESSIONS, late)
    assert found.size is None


def test_a_table_that_cannot_be_read_is_critical_and_says_why():
    (found,) = rules.unreadable_tables({"raw/prices": "all.parquet cannot be read"}, NOON)
    assert (found.key, found.severity) == ("asset_stale:raw/prices", Severity.CRITICAL)
    assert (found.what, found.since) == ("all.parquet cannot be read", NOON)


def test_an_asset_that_counts_as_stale_is_not_notified_as_overdue():
    stale = rules.stale_tables({"raw/prices": None}, SESSIONS, NOON)
    failing = [("models/price_model", NOON - timedelta(days=2)), ("raw/prices", NOON)]
    found = rules.overdue_assets(failing, stale)
    assert [(a.key, a.since) for a in found] == [
        ("asset_overdue:models/price_model", NOON - timedelta(days=2))
    ]
    assert found[0].what.endswith("in the time that its freshness policy allows")


LOST = Champion("m1", (), {"ranking": -0.031}, proof_lost_at=NOON)
LIVE = "its gain of the last 40 sessions is -0.031 [-0.060, -0.002]"


def test_a_lost_proof_is_open_until_a_champion_is_proven():
    decision = Promotion("m1", False, False, (LIVE,), LOST, NOON)
    (found,) = rules.lost_proofs(decision)
    assert (found.key, found.since, found.severity) == ("proof_lost:m1", NOON, Severity.WARNING)
    assert found.what == (
        f"the champion m1 is no longer proven, its signals say so and the service abstains: {LIVE}"
    )
    refused = Promotion("m2", False, False, ("worse",), LOST, NOON + timedelta(days=1))
    (still,) = rules.lost_proofs(refused)
    assert (still.key, still.since) == (found.key, NOON)
    assert still.what.endswith("the service abstains"), "the refusal is not the reason"
    proven = Promotion(
        "m2", True, True, ("good",), Champion("m2", ("ranking",), {"ranking": 0.04}), NOON
    )
    assert rules.lost_proofs(proven) == []
    never = Promotion("m2", True, False, ("first",), Champion("m2", (), {"ranking": 0.0}), NOON)
    assert rules.lost_proofs(never) == []


def report(day: int, *, drifted: bool) -> pl.DataFrame:
    rows = [("f1", 0.5, drifted), ("f2", 0.9, drifted), ("f3", 0.1, False), ("all", 0.6, drifted)]
    frame = pl.DataFrame(rows, schema=["feature", "value", "is_drifted"], orient="row")
    return FEATURE_DRIFT.enforce(
        frame.with_columns(
            session_date=pl.date(2024, 3, day),
            kind=pl.lit("technical"),
            limit=pl.lit(0.3),
            ks=pl.lit(0.1),
            recent_rows=pl.lit(10),
            reference_rows=pl.lit(90),
            reference_from=pl.date(2023, 1, 3),
            reference_to=pl.date(2024, 2, 1),
            model_version=pl.lit("m1"),
        )
    )


@pytest.mark.parametrize(
    ("days", "since"),
    [
        ({}, None),
        ({4: False}, None),
        ({4: True}, 4),
        ({4: True, 5: True}, 4),
        ({4: True, 5: False}, None),
        ({4: True, 5: False, 6: True, 7: True}, 6),
    ],
)
def test_drift_holds_since_the_first_of_the_latest_drifted_reports(days, since):
    reports = [report(day, drifted=drifted) for day, drifted in days.items()]
    found = rules.drifting(pl.concat([FEATURE_DRIFT.empty(), *reports]))
    assert [a.since.day for a in found] == ([since] if since else [])
    if found:
        assert (
            found[0].what == f"2 of 3 features drifted on 2024-03-0{max(days)}, most of all f2, f1"
        )
        assert found[0].subject == "features"


def text_report(day: int, *, drifted: bool) -> pl.DataFrame:
    row = {
        "session_date": date(2024, 3, day), "auc": 0.91, "auc_limit": 0.7, "mmd": 0.2,
        "mmd_p_value": 0.001, "is_drifted": drifted, "recent_texts": 60, "reference_texts": 600,
        "reference_from": date(2023, 1, 3), "reference_to": date(2024, 2, 1),
        "vectors": "bag of words", "model_version": "m1",
    }  # fmt: skip
    return TEXT_DRIFT.enforce(pl.DataFrame([row]))


@pytest.mark.parametrize(
    ("days", "since"),
    [
        ({}, None),
        ({4: False}, None),
        ({4: True, 5: False}, None),
        ({4: False, 5: True, 6: True}, 5),
    ],
)
def test_drift_of_texts_holds_since_the_first_of_the_latest_drifted_reports(days, since):
    reports = [text_report(day, drifted=drifted) for day, drifted in days.items()]
    found = rules.drifting_texts(pl.concat([TEXT_DRIFT.empty(), *reports]))
    assert [(a.since.day, a.subject, a.kind) for a in found] == (
        [(since, "texts", Kind.DRIFT)] if since else []
    )
    if found:
        assert found[0].what.startswith("the texts have drifted on 2024-03-06: a classifier")


@pytest.mark.parametrize(
    ("promoted", "kind", "severity", "what"),
    [
        (True, Kind.PROMOTION, Severity.INFO, "m2 (proven) is the champion: good; newer"),
        (False, Kind.PROMOTION_REFUSED, Severity.WARNING, "m2 was refused, m1 stays the champion"),
    ],
)
def test_a_decision_names_the_candidate_and_its_reasons(promoted, kind, severity, what):
    champion = Champion("m2" if promoted else "m1", ("ranking",), {"ranking": 0.04})
    found = rules.decision_of(Promotion("m2", promoted, True, ("good", "newer"), champion, NOON))
    assert (found.kind, found.severity, found.subject) == (kind, severity, "m2")
    assert found.what.startswith(what)
