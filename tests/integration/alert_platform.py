"""A small platform whose every failure a test can plant, and the sinks that its alerts reach."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg
import polars as pl
from dagster._core.definitions.freshness import FreshnessState, FreshnessStateChange

from finpulse_assets.contract import Table
from finpulse_assets.domain.evaluation.promotion import Champion, Promotion
from finpulse_assets.domain.features.technical import TECHNICAL_FEATURES
from finpulse_assets.errors import LakeError
from finpulse_assets.gateways.alerts.apprise import AppriseSender
from finpulse_assets.gateways.alerts.state_file import AlertStore
from finpulse_assets.gateways.lake.lake import WHOLE, Lake
from finpulse_assets.gateways.models.model_store import ModelStore
from finpulse_assets.orchestration.alerting.collect import Collector
from finpulse_assets.orchestration.alerting.tick import Tick, evaluate
from finpulse_assets.schemas import DAILY_SIGNALS, FEATURE_DRIFT, PRICES
from finpulse_assets.settings import Settings, load_settings
from tests.fakes.alert_sink import HttpSink, MailSink, running

RUNBOOKS = "https://wiki.example/runbooks"
REQUIRED = (PRICES, TECHNICAL_FEATURES, DAILY_SIGNALS)
FRIDAY, TUESDAY = date(2024, 3, 1), date(2024, 3, 5)


class World:
    """What a test makes go wrong: read by the steps and checks below."""

    step_fails = False
    check_passes = True
    source_answers = True


@dg.asset(key_prefix="raw")
def prices() -> None:
    if World.step_fails:
        raise LakeError("the disk is full", hint="free some space")


@dg.asset_check(asset=prices, blocking=True)
def bars_are_whole() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=World.check_passes, description="7 bars are negative")


@dg.asset(key_prefix="source")
def vendor() -> None: ...


@dg.asset_check(asset=vendor)
def source_answered() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=World.source_answers, description="HTTP 503")


DEFS = dg.Definitions(
    assets=[prices, vendor],
    asset_checks=[bars_are_whole, source_answered],
    jobs=[dg.define_asset_job("whole_graph")],
)


@dataclass
class Platform:
    """A home with data up to a day, an instance, and the two sinks that its alerts go to."""

    settings: Settings
    instance: dg.DagsterInstance
    http: HttpSink
    mail: MailSink
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def lake(self) -> Lake:
        return Lake(self.settings.lake)

    @property
    def models(self) -> ModelStore:
        return ModelStore(self.settings.models / "price")

    @property
    def store(self) -> AlertStore:
        return AlertStore(self.settings.alerts)

    def fill(self, day: date, *tables: Table) -> None:
        for table in tables:
            row = {c.name: _value(c.dtype, day) for c in table.columns}
            partition = f"{day:%Y-%m-01}" if table.partition_column else WHOLE
            self.lake.replace(table, pl.DataFrame([row]), [partition])

    def tick(self, *, timeout: float = 300.0) -> Tick | None:
        repository = DEFS.get_repository_def()
        collector = Collector(self.instance, repository, self.settings, self.lake, self.models)
        sender = AppriseSender(
            f"{self.http.url},{self.mail.url}",
            source="finpulse demo",
            runbooks=RUNBOOKS,
            timeout_seconds=timeout,
        )
        tick = evaluate(self.store, collector, sender, now=lambda: self.at)
        assert collector.problems == []
        return tick

    def run(self) -> None:
        job = DEFS.resolve_job_def("whole_graph")
        job.execute_in_process(instance=self.instance, raise_on_error=False)
        self.at = max(self.at, datetime.now(UTC))


def _value(dtype: pl.DataType, day: date) -> object:
    if isinstance(dtype, pl.Datetime):
        return datetime(day.year, day.month, day.day, 22, tzinfo=UTC)
    if dtype == pl.Date:
        return day
    return {pl.String: "x", pl.Boolean: False}.get(dtype, 1)


@contextmanager
def platform_in(home: Path) -> Iterator[Platform]:
    """Yield a platform below `home` on which nothing is wrong, after its first tick."""
    World.step_fails, World.check_passes, World.source_answers = False, True, True
    settings = load_settings(home=home, as_of=FRIDAY)
    http, mail = HttpSink(), MailSink()
    with running(http), running(mail), dg.DagsterInstance.ephemeral() as instance:
        made = Platform(settings, instance, http, mail)
        made.fill(FRIDAY, *REQUIRED)
        made.run()
        assert str(made.tick()) == "0 open, 0 new, 0 delivered, 0 waiting"
        yield made


def fail_run(platform: Platform, *, begins: bool) -> None:
    World.step_fails = begins
    platform.run()


def fail_source(platform: Platform, *, begins: bool) -> None:
    World.source_answers = not begins
    platform.run()


def stale_signals(platform: Platform, *, begins: bool) -> None:
    platform.settings = load_settings(home=platform.settings.home, as_of=TUESDAY)
    platform.fill(TUESDAY, *(REQUIRED[:2] if begins else REQUIRED))


def overdue_asset(platform: Platform, *, begins: bool) -> None:
    states = (FreshnessState.PASS, FreshnessState.FAIL)
    platform.instance.report_runless_asset_event(
        FreshnessStateChange(
            key=prices.key,
            new_state=states[begins],
            previous_state=states[not begins],
            state_change_timestamp=platform.at.timestamp(),
        )
    )


def drift(platform: Platform, *, begins: bool) -> None:
    day = FRIDAY if begins else TUESDAY
    columns = {c.name: [_value(c.dtype, day)] * 2 for c in FEATURE_DRIFT.columns}
    columns |= {"feature": ["return_1d", "all"], "is_drifted": [begins] * 2}
    platform.lake.replace(FEATURE_DRIFT, pl.DataFrame(columns), [WHOLE])


def decide(platform: Platform, candidate: str, *, promoted: bool) -> None:
    champion = Champion(candidate if promoted else "m1", ("ranking",), {"ranking": 0.04})
    decision = Promotion(candidate, promoted, True, ("good",), champion, platform.at)
    platform.models.decide(lambda before: decision)
