"""The collector: every fact that alerts stand on, read and judged by its rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import dagster as dg

from finpulse_assets.domain.calendar import build_sessions, last_completed_session
from finpulse_assets.domain.monitoring import alert_rules as rules
from finpulse_assets.domain.monitoring import run_rules
from finpulse_assets.domain.monitoring.alert import Alert, Kind
from finpulse_assets.domain.monitoring.alert_state import AlertState, Observation
from finpulse_assets.errors import FinPulseError
from finpulse_assets.gateways.alerts.state_file import AlertStore
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.models.model_store import ModelStore
from finpulse_assets.orchestration.alerting import facts
from finpulse_assets.orchestration.alerting.causes import causes_of
from finpulse_assets.orchestration.alerting.runs import RunHistory
from finpulse_assets.orchestration.alerting.tables import WATCHED, table_statuses, usual_gaps
from finpulse_assets.orchestration.run.clock_file import data_due
from finpulse_assets.schemas import FEATURE_DRIFT, TEXT_DRIFT
from finpulse_assets.settings import Settings

LONGEST_LAG = timedelta(days=366)
# Failures are searched this far back, or to the last evaluation where that is longer ago.
RUN_WINDOW = timedelta(days=2)
DELETED = "the failed run was deleted"

Part = tuple[frozenset[Kind], Callable[[], Observation]]


@dataclass
class Collector:
    """Collects what is wrong in a deployment.

    `problems` are the sentences of what could not be read; the kinds of alert that hang on it stay
    as they were.
    """

    instance: dg.DagsterInstance
    repository: dg.RepositoryDefinition
    settings: Settings
    lake: Lake
    models: ModelStore
    problems: list[str] = field(default_factory=list)

    def __call__(self, state: AlertState, now: datetime) -> Observation:
        found = Observation()
        for kinds, collect in self._parts(state, now):
            try:
                found += collect()
            except FinPulseError as error:
                self.problems.append(str(error))
                found += Observation(unseen=kinds)
        causes = causes_of(found.conditions, self.repository.asset_graph)
        return found + Observation(causes=causes)

    def _parts(self, state: AlertState, now: datetime) -> Iterator[Part]:
        runs = [c.alert for c in state.open.values() if c.alert.kind is Kind.RUN_FAILED]
        yield frozenset({Kind.RUN_FAILED}), lambda: self._runs(runs, now)
        yield frozenset({Kind.CHECK_FAILED, Kind.SOURCE_FAILED}), self._checks
        yield frozenset({Kind.ASSET_STALE, Kind.ASSET_OVERDUE}), lambda: self._freshness(now)
        yield frozenset({Kind.DRIFT}), self._drift
        decisions = {Kind.PROMOTION, Kind.PROMOTION_REFUSED, Kind.PROOF_LOST}
        yield frozenset(decisions), self._decision

    def _runs(self, open_alerts: list[Alert], now: datetime) -> Observation:
        last = AlertStore(self.settings.alerts).heartbeat() or now
        since = max(min(now - RUN_WINDOW, last), now - run_rules.FOLLOWED_FOR)
        history = RunHistory(self.instance, self.repository)
        known = [alert.run_id for alert in open_alerts if alert.run_id]
        failures = history.failures(since=since, known=known)
        gone = {alert.key: DELETED for alert in open_alerts} if known else {}
        judged = run_rules.failed_runs(failures, history.successes(failures), now)
        return Observation(endings=gone) + judged

    def _checks(self) -> Observation:
        keys = self.repository.asset_graph.asset_check_keys
        outcomes = facts.decided_checks(self.instance, keys)
        failed, unanswered = run_rules.failed_checks(outcomes), run_rules.failed_sources(outcomes)
        return Observation(conditions=(*failed, *unanswered))

    def _freshness(self, now: datetime) -> Observation:
        stale = self._stale_tables(now)
        keys = self.repository.asset_graph.materializable_asset_keys
        failing = facts.failing_policies(self.instance, keys)
        return Observation(conditions=(*stale, *rules.overdue_assets(failing, stale)))

    def _stale_tables(self, now: datetime) -> list[Alert]:
        due = data_due(self.settings, now)
        if due is None:
            return []
        sessions = build_sessions(
            (due - LONGEST_LAG).date(),
            due.date(),
            decision_delay=timedelta(minutes=self.settings.decision_delay_minutes),
        )
        last = last_completed_session(sessions, due)["session_date"]
        found, unreadable = table_statuses(self.lake, WATCHED, sessions, last)
        reached = {it.table: it.last_session for it in found if it.table not in unreadable}
        gaps = usual_gaps(self.lake, found, sessions)
        stale = rules.stale_tables(reached, sessions, due, gaps)
        return [*stale, *rules.unreadable_tables(unreadable, now)]

    def _drift(self) -> Observation:
        features, texts = (
            self.lake.read_or_empty(table).collect() for table in (FEATURE_DRIFT, TEXT_DRIFT)
        )
        return Observation(conditions=(*rules.drifting(features), *rules.drifting_texts(texts)))

    def _decision(self) -> Observation:
        found = self.models.promotion()
        if found is None:
            return Observation()
        happened = () if found.is_proof_lost else (rules.decision_of(found),)
        return Observation(conditions=tuple(rules.lost_proofs(found)), happened=happened)
