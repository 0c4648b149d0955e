"""What counts as wrong: from runs, checks, freshness, drift and decisions to alerts.

The rule of each kind of alert, on plain facts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl

from finpulse_assets.domain.calendar import build_sessions
from finpulse_assets.domain.evaluation.promotion import Promotion
from finpulse_assets.domain.monitoring.alert_state import Alert, Kind, Severity, span
from finpulse_assets.domain.monitoring.drift import WHOLE, verdicts

LOOK = "finpulse status"
RUNS = "dagster run list --limit 5"
# The day's run begins at its schedule and takes its time: a session is not missed before this.
GRACE = timedelta(hours=2)
# A source of texts may be silent for some days; what a signal stands on may not.
TEXT_TABLES = ("raw/tweets", "raw/headlines", "scored/text_sentiment")
TEXT_SESSIONS = 3
MANY_SESSIONS = 3


@dataclass(frozen=True)
class RunOutcome:
    """A finished run.

    Args:
        assets: keys that it was to materialize; empty where that is not known.
        months: first and last partition key, None for a run without partitions.
        ended_at: UTC.
        reason: the sentence of its failure, None for a success.
    """

    run_id: str
    job: str
    assets: frozenset[str]
    months: tuple[str, str] | None
    ended_at: datetime
    reason: str | None

    @property
    def subject(self) -> str:
        """What is to be made good: the job, or the assets of a run without one, and the months."""
        names = sorted(self.assets)
        some = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        label = self.job if some == "" or not self.job.startswith("__") else some
        return label + (f" {self.months[0][:7]} to {self.months[1][:7]}" if self.months else "")

    def makes_good(self, failed: RunOutcome) -> bool:
        """Whether this success materialized what `failed` left undone: its assets, its months."""
        if self.reason is not None or self.ended_at < failed.ended_at:
            return False
        if self.assets and failed.assets:
            if not failed.assets <= self.assets:
                return False
        elif self.job != failed.job:
            return False
        if self.months is None or failed.months is None:
            return True
        return self.months[0] <= failed.months[0] and failed.months[1] <= self.months[1]


@dataclass(frozen=True)
class CheckOutcome:
    """The last decided evaluation of an asset check (`evaluated_at`, UTC)."""

    asset: str
    check: str
    passed: bool
    is_blocking: bool
    evaluated_at: datetime
    description: str = ""


def failed_runs(outcomes: Iterable[RunOutcome]) -> list[Alert]:
    """Return the failures that no later success made good, one for each thing left undone."""
    ordered = sorted(outcomes, key=lambda outcome: outcome.ended_at)
    alerts: dict[str, Alert] = {}
    for failed in (outcome for outcome in ordered if outcome.reason is not None):
        if failed.subject in alerts or any(later.makes_good(failed) for later in ordered):
            continue
        alerts[failed.subject] = Alert(
            Kind.RUN_FAILED,
            failed.subject,
            f"run {failed.run_id[:8]} failed: {failed.reason}",
            failed.ended_at,
            Severity.CRITICAL,
            RUNS,
        )
    return list(alerts.values())


def failed_checks(outcomes: Iterable[CheckOutcome]) -> list[Alert]:
    """Return the blocking checks that fail; a warning only informs and is not told."""
    return [
        Alert(
            Kind.CHECK_FAILED,
            f"{outcome.asset} {outcome.check}",
            f"{outcome.asset} fails the check {outcome.check}, nothing after it is made"
            + (f": {outcome.description}" if outcome.description else ""),
            outcome.evaluated_at,
            Severity.CRITICAL,
            LOOK,
        )
        for outcome in outcomes
        if outcome.is_blocking and not outcome.passed
    ]


def stale_tables(
    reached: Mapping[str, date | None], sessions: pl.DataFrame, now: datetime
) -> list[Alert]:
    """Return the tables that lack a session whose decision time is past by more than the grace.

    Args:
        reached: the last session of each table, None for one without rows.
        sessions: schemas.SESSIONS, ascending, up to `now` or later.
        now: UTC time that counts as now for the data.
    """
    due = sessions.filter(pl.col("decision_at") <= now - GRACE)
    found = (_stale(table, last, due) for table, last in reached.items())
    return [alert for alert in found if alert is not None]


def _stale(table: str, last: date | None, due: pl.DataFrame) -> Alert | None:
    is_text = table in TEXT_TABLES
    if is_text and last is None:  # a source may have no texts at all
        return None
    missed = due.tail(1) if last is None else due.filter(pl.col("session_date") > last)
    count = missed.height
    if count <= (TEXT_SESSIONS if is_text else 0):
        return None
    what = f"{table} has no rows"
    if last is not None:
        many = "sessions" if count > 1 else "session"
        what = f"{table} reaches {last} and lacks {count} {many} to {missed['session_date'][-1]}"
    is_bad = not is_text and (last is None or count >= MANY_SESSIONS)
    severity = Severity.CRITICAL if is_bad else Severity.WARNING
    return Alert(Kind.ASSET_STALE, table, what, missed["decision_at"][0], severity, LOOK)


def overdue_assets(
    failing: Iterable[tuple[str, datetime]], stale: Collection[Alert], now: datetime
) -> list[Alert]:
    """Return the assets whose freshness policy fails, without those told as stale already.

    Args:
        failing: asset key and the UTC time since which its policy fails.
    """
    told = {alert.subject for alert in stale}
    return [
        Alert(
            Kind.ASSET_OVERDUE,
            asset,
            f"{asset} was not materialized in the time that its freshness policy allows, "
            f"overdue for {span(now - since)}",
            since,
            Severity.WARNING,
            LOOK,
        )
        for asset, since in failing
        if asset not in told
    ]


def drifting(history: pl.DataFrame) -> list[Alert]:
    """Return the drift of the latest report, since the first of the drifted ones before it.

    Args:
        history: schemas.FEATURE_DRIFT, every report so far.
    """
    reports = verdicts(history)
    quiet = reports.filter(~pl.col("is_drifted"))["session_date"].max()
    now = reports if quiet is None else reports.filter(pl.col("session_date") > quiet)
    if now.is_empty():
        return []
    first, last = now["session_date"][0], now["session_date"][-1]
    rows = history.filter((pl.col("session_date") == last) & (pl.col("feature") != WHOLE))
    drifted = rows.filter("is_drifted").sort(pl.col("value") / pl.col("limit"), descending=True)
    what = (
        f"{drifted.height} of {rows.height} features drifted on {last}, "
        f"most of all {', '.join(drifted['feature'].head(3))}"
    )
    since = build_sessions(first, last)["decision_at"][0]
    return [Alert(Kind.DRIFT, "features", what, since, Severity.WARNING, LOOK)]


def decision_of(promotion: Promotion, decided_at: datetime) -> Alert:
    """Return a promotion, or a refusal, as an alert about its candidate."""
    reason = "; ".join(promotion.reasons)
    if promotion.promoted:
        standing = "proven" if promotion.is_proven else "unproven"
        what = f"{promotion.candidate_id} ({standing}) is the champion: {reason}"
        kind, severity = Kind.PROMOTION, Severity.INFO
    elif promotion.is_proof_lost:
        what = f"the champion {promotion.candidate_id} is unproven from now on: {reason}"
        kind, severity = Kind.PROMOTION_REFUSED, Severity.WARNING
    else:
        champion = promotion.champion.candidate_id
        what = f"{promotion.candidate_id} was refused, {champion} stays the champion: {reason}"
        kind, severity = Kind.PROMOTION_REFUSED, Severity.WARNING
    return Alert(kind, promotion.candidate_id, what, decided_at, severity, LOOK)
