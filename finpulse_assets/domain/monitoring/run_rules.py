"""Which runs and checks count as failed, and when a failed run is made good."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from finpulse_assets.domain.monitoring.alert import STATUS, Alert, Kind, Severity
from finpulse_assets.domain.monitoring.alert_state import Observation

RUNS = "dagster run list --limit 5"
SOURCE_CHECK = "source_answered"
# A failure that nobody made good in this time is no longer followed.
FOLLOWED_FOR = timedelta(days=30)


@dataclass(frozen=True)
class RunOutcome:
    """A run that succeeded, or one that failed.

    Args:
        assets: keys that it was to materialize; empty where that is not known.
        months: first and last partition key, None for a run without partitions.
        ended_at: UTC.
        reason: the sentence of its failure, None for a success.
        undone: of a failure, those of its assets that were not materialized since, for all its
            months; None where its assets are not known.
    """

    run_id: str
    job: str
    assets: frozenset[str]
    months: tuple[str, str] | None
    ended_at: datetime
    reason: str | None = None
    undone: frozenset[str] | None = None

    @property
    def subject(self) -> str:
        """What is to be made good: the job, or the assets of a run without one, and the months."""
        names = sorted(self.assets)
        some = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        label = self.job if some == "" or not self.job.startswith("__") else some
        return label + (f" {self.months[0][:7]} to {self.months[1][:7]}" if self.months else "")

    def repeats(self, failed: RunOutcome) -> bool:
        """Whether this success is a later run of the same job for the months of `failed`."""
        if self.reason is not None or self.ended_at < failed.ended_at or self.job != failed.job:
            return False
        if not failed.assets <= self.assets:
            return False
        if self.months is None or failed.months is None:
            return self.months == failed.months
        return self.months[0] <= failed.months[0] and failed.months[1] <= self.months[1]


@dataclass(frozen=True)
class CheckOutcome:
    """The last decided evaluation of an asset check (`evaluated_at`, UTC)."""

    asset: str
    check: str
    passed: bool
    is_error: bool
    is_blocking: bool
    evaluated_at: datetime
    description: str = ""


def failed_runs(
    failures: Iterable[RunOutcome], successes: Iterable[RunOutcome], now: datetime
) -> Observation:
    """Return the failures that are not made good, one for each thing left undone.

    A failure is made good when everything that it was to materialize has been materialized since,
    by whatever runs, or when a later run of its job succeeded for the same months. After 30 days it
    is no longer followed.

    Args:
        failures: of the failures of the same work, the last one counts.
        successes: later successes of the same jobs.
    """
    latest = {f.subject: f for f in sorted(failures, key=lambda failed: failed.ended_at)}
    successes, found = tuple(successes), Observation()
    for subject, failed in latest.items():
        repeated = next((s for s in successes if s.repeats(failed)), None)
        key = f"{Kind.RUN_FAILED}:{subject}"
        if failed.undone is not None and not failed.undone:
            ending = "everything that the run was to make has been made since"
        elif repeated is not None:
            ending = f"run {repeated.run_id[:8]} of the same job succeeded"
        elif now - failed.ended_at > FOLLOWED_FOR:
            ending = f"nobody made it good in {FOLLOWED_FOR.days} days, it is no longer followed"
        else:
            found += Observation(conditions=(_failed(failed),))
            continue
        found += Observation(endings={key: ending})
    return found


def _failed(failed: RunOutcome) -> Alert:
    return Alert(
        Kind.RUN_FAILED,
        failed.subject,
        f"run {failed.run_id[:8]} failed: {failed.reason}",
        failed.ended_at,
        Severity.CRITICAL,
        RUNS,
        run_id=failed.run_id,
        assets=tuple(sorted(failed.undone or ())),
    )


def failed_checks(outcomes: Iterable[CheckOutcome]) -> list[Alert]:
    """Return the blocking checks that fail; a warning only informs and is not notified."""
    return [
        Alert(
            Kind.CHECK_FAILED,
            f"{outcome.asset} {outcome.check}",
            f"{outcome.asset} fails the check {outcome.check}, nothing after it is made"
            + (f": {outcome.description}" if outcome.description else ""),
            outcome.evaluated_at,
            Severity.CRITICAL,
            STATUS,
        )
        for outcome in outcomes
        if outcome.is_error
        and outcome.is_blocking
        and not outcome.passed
        and outcome.check != SOURCE_CHECK
    ]


def failed_sources(outcomes: Iterable[CheckOutcome]) -> list[Alert]:
    """Return the sources that did not answer; a blocking one is the only source of prices."""
    return [
        Alert(
            Kind.SOURCE_FAILED,
            outcome.asset,
            f"{outcome.asset} did not answer, its rows are missing"
            + (" and nothing after it is made" if outcome.is_blocking else "")
            + (f": {outcome.description}" if outcome.description else ""),
            outcome.evaluated_at,
            Severity.CRITICAL if outcome.is_blocking else Severity.WARNING,
            STATUS,
        )
        for outcome in outcomes
        if outcome.check == SOURCE_CHECK and outcome.is_error and not outcome.passed
    ]
