"""The look of one deployment: every source of alerts, read and judged.

Which facts are held against which rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import dagster as dg

from finpulse_assets.domain.calendar import build_sessions
from finpulse_assets.domain.features.technical import TECHNICAL_FEATURES
from finpulse_assets.domain.monitoring import alert_rules as rules
from finpulse_assets.domain.monitoring.alert_state import AlertState, Kind, Observation
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.models.model_store import ModelStore
from finpulse_assets.orchestration.alerting import facts
from finpulse_assets.orchestration.alerting.tick import observation
from finpulse_assets.orchestration.run.resources import build_sources, resolve_clock
from finpulse_assets.schemas import (
    DAILY_SIGNALS,
    FEATURE_DRIFT,
    HEADLINES,
    PRICES,
    TEXT_SENTIMENT,
    TWEETS,
)
from finpulse_assets.settings import Profile, Settings

WATCHED = (PRICES, TWEETS, HEADLINES, TEXT_SENTIMENT, TECHNICAL_FEATURES, DAILY_SIGNALS)
LONGEST_LAG = timedelta(days=366)

Source = tuple[frozenset[Kind], Callable[[], Observation]]


@dataclass
class PlatformLook:
    """Looks at a deployment; `problems` are the sentences of what could not be looked at."""

    instance: dg.DagsterInstance
    repository: dg.RepositoryDefinition
    settings: Settings
    lake: Lake
    models: ModelStore
    problems: list[str] = field(default_factory=list)

    def __call__(self, state: AlertState, now: datetime) -> Observation:
        return observation(self._sources(state, now), self.problems)

    def _sources(self, state: AlertState, now: datetime) -> Iterator[Source]:
        open_runs = [a.since for a in state.open.values() if a.kind is Kind.RUN_FAILED]
        yield frozenset({Kind.RUN_FAILED}), lambda: self._runs(facts.window_start(open_runs, now))
        yield frozenset({Kind.CHECK_FAILED}), self._checks
        yield frozenset({Kind.ASSET_STALE, Kind.ASSET_OVERDUE}), lambda: self._freshness(now)
        yield frozenset({Kind.DRIFT}), self._drift
        yield frozenset({Kind.PROMOTION, Kind.PROMOTION_REFUSED}), self._decision

    def _runs(self, since: datetime) -> Observation:
        job_assets = {
            job.name: frozenset(
                key.to_user_string() for key in job.asset_layer.selected_asset_keys
            )
            for job in self.repository.get_all_jobs()
        }  # fmt: skip
        outcomes = facts.finished_runs(self.instance, since=since, job_assets=job_assets)
        return Observation(conditions=tuple(rules.failed_runs(outcomes)))

    def _checks(self) -> Observation:
        keys = self.repository.asset_graph.asset_check_keys
        outcomes = facts.decided_checks(self.instance, keys)
        return Observation(conditions=tuple(rules.failed_checks(outcomes)))

    def _freshness(self, now: datetime) -> Observation:
        as_of = self._as_of(now)
        sessions = build_sessions(
            (as_of - LONGEST_LAG).date(),
            as_of.date(),
            decision_delay=timedelta(minutes=self.settings.decision_delay_minutes),
        )
        reached = facts.reached_sessions(self.lake, WATCHED, sessions)
        stale = rules.stale_tables(reached, sessions, as_of)
        keys = self.repository.asset_graph.materializable_asset_keys
        failing = facts.failing_policies(self.instance, keys)
        return Observation(conditions=(*stale, *rules.overdue_assets(failing, stale, now)))

    def _as_of(self, now: datetime) -> datetime:
        """Return the time up to which data is due: of files, no later than they reach."""
        if self.settings.profile is Profile.FILES:
            return resolve_clock(self.settings, build_sources(self.settings)).as_of
        return self.settings.as_of or now

    def _drift(self) -> Observation:
        history = self.lake.read_or_empty(FEATURE_DRIFT).collect()
        return Observation(conditions=tuple(rules.drifting(history)))

    def _decision(self) -> Observation:
        found = self.models.promotion()
        if found is None:
            return Observation()
        return Observation(happened=(rules.decision_of(found, found.decided_at),))
