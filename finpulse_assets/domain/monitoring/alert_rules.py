"""What counts as wrong in the data and the models: freshness, drift, decisions and proofs.

The rule of each kind of alert, on plain facts; those of runs and checks are in `run_rules`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime, timedelta

import polars as pl

from finpulse_assets.domain.calendar import build_sessions
from finpulse_assets.domain.evaluation.promotion import Promotion
from finpulse_assets.domain.monitoring.alert import STATUS, Alert, Kind, Severity
from finpulse_assets.domain.monitoring.drift import WHOLE, verdicts
from finpulse_assets.domain.monitoring.text_drift import sentence_of

# The day's run begins at its schedule and takes its time: a session is not missed before this.
GRACE = timedelta(hours=2)
# A source of texts may be silent for some days, or for twice as long as it usually is; what a
# signal stands on may not.
TEXT_TABLES = ("raw/tweets", "raw/headlines", "scored/text_sentiment")
TEXT_SESSIONS = 3
MANY_SESSIONS = 3


def stale_tables(
    reached: Mapping[str, date | None],
    sessions: pl.DataFrame,
    now: datetime,
    usual_gaps: Mapping[str, int] | None = None,
) -> list[Alert]:
    """Return the tables that lack a session whose decision time is past by more than the grace.

    Args:
        reached: the last session of each table, None for one without rows.
        usual_gaps: sessions that usually lie between two with rows, by table of texts.
        sessions: schemas.SESSIONS, ascending, up to `now` or later.
        now: UTC time that counts as now for the data.
    """
    due = sessions.filter(pl.col("decision_at") <= now - GRACE)
    usual = usual_gaps or {}
    found = (_stale(table, last, due, usual.get(table, 0)) for table, last in reached.items())
    return [alert for alert in found if alert is not None]


def _stale(table: str, last: date | None, due: pl.DataFrame, usual_gap: int) -> Alert | None:
    is_text = table in TEXT_TABLES
    if is_text and last is None:  # a source may have no texts at all
        return None
    missed = due.tail(1) if last is None else due.filter(pl.col("session_date") > last)
    count = missed.height
    if count <= (max(TEXT_SESSIONS, 2 * usual_gap) if is_text else 0):
        return None
    what = f"{table} has no rows"
    if last is not None:
        many = "sessions" if count > 1 else "session"
        what = f"{table} reaches {last} and lacks {count} {many} to {missed['session_date'][-1]}"
    is_bad = not is_text and (last is None or count >= MANY_SESSIONS)
    severity = Severity.CRITICAL if is_bad else Severity.WARNING
    size = None if last is None else count
    return Alert(Kind.ASSET_STALE, table, what, missed["decision_at"][0], severity, STATUS, size)


def unreadable_tables(problems: Mapping[str, str], now: datetime) -> list[Alert]:
    """Return the tables that cannot be read, so that how far they reach is not known.

    Args:
        problems: the sentence of each table that cannot be read.
    """
    return [
        Alert(Kind.ASSET_STALE, table, problem, now, Severity.CRITICAL, STATUS)
        for table, problem in problems.items()
    ]


def overdue_assets(
    failing: Iterable[tuple[str, datetime]], stale: Collection[Alert]
) -> list[Alert]:
    """Return the assets whose freshness policy fails, without those that count as stale already.

    Args:
        failing: asset key and the UTC time since which its policy fails.
    """
    known = {alert.subject for alert in stale}
    return [
        Alert(
            Kind.ASSET_OVERDUE,
            asset,
            f"{asset} was not materialized in the time that its freshness policy allows",
            since,
            Severity.WARNING,
            STATUS,
        )
        for asset, since in failing
        if asset not in known
    ]


def drifting(history: pl.DataFrame) -> list[Alert]:
    """Return the drift of the latest report, since the first of the drifted ones before it.

    Args:
        history: schemas.FEATURE_DRIFT, every report so far.
    """
    span = _since_quiet(verdicts(history))
    if span is None:
        return []
    first, last = span
    rows = history.filter((pl.col("session_date") == last) & (pl.col("feature") != WHOLE))
    drifted = rows.filter("is_drifted").sort(pl.col("value") / pl.col("limit"), descending=True)
    what = (
        f"{drifted.height} of {rows.height} features drifted on {last}, "
        f"most of all {', '.join(drifted['feature'].head(3))}"
    )
    since = build_sessions(first, last)["decision_at"][0]
    return [Alert(Kind.DRIFT, "features", what, since, Severity.WARNING, STATUS)]


def drifting_texts(history: pl.DataFrame) -> list[Alert]:
    """Return the drift of the latest report on texts, since the first of the drifted ones.

    Args:
        history: schemas.TEXT_DRIFT, every report so far.
    """
    span = _since_quiet(history.sort("session_date"))
    if span is None:
        return []
    what = sentence_of(history.filter(pl.col("session_date") == span[1]))
    since = build_sessions(*span)["decision_at"][0]
    return [Alert(Kind.DRIFT, "texts", what, since, Severity.WARNING, STATUS)]


def _since_quiet(reports: pl.DataFrame) -> tuple[date, date] | None:
    """Return the first and last of the drifted sessions that the reports end with, if they do."""
    quiet = reports.filter(~pl.col("is_drifted"))["session_date"].max()
    now = reports if quiet is None else reports.filter(pl.col("session_date") > quiet)
    return None if now.is_empty() else (now["session_date"][0], now["session_date"][-1])


def decision_of(promotion: Promotion) -> Alert:
    """Return a promotion, or a refusal, as an alert about its candidate."""
    reason = "; ".join(promotion.reasons)
    if promotion.promoted:
        standing = "proven" if promotion.is_proven else "unproven"
        what = f"{promotion.candidate_id} ({standing}) is the champion: {reason}"
        kind, severity = Kind.PROMOTION, Severity.INFO
    else:
        champion = promotion.champion.candidate_id
        what = f"{promotion.candidate_id} was refused, {champion} stays the champion: {reason}"
        kind, severity = Kind.PROMOTION_REFUSED, Severity.WARNING
    return Alert(kind, promotion.candidate_id, what, promotion.decided_at, severity, STATUS)


def lost_proofs(promotion: Promotion) -> list[Alert]:
    """Return the condition of a champion that lost its proof and has none yet.

    Args:
        promotion: the decision in force; a refusal that came after the loss leaves it as it is.
    """
    champion = promotion.champion
    if champion.is_proven or champion.proof_lost_at is None:
        return []
    reason = f": {'; '.join(promotion.reasons)}" if promotion.is_proof_lost else ""
    what = (
        f"the champion {champion.candidate_id} is no longer proven, its signals say so and the "
        f"service abstains{reason}"
    )
    at = champion.proof_lost_at
    return [Alert(Kind.PROOF_LOST, champion.candidate_id, what, at, Severity.WARNING, STATUS)]
