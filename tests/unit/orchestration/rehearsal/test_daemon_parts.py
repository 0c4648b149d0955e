"""What a rehearsal does in place of Dagster's daemon: freshness, a killed run, and its end."""

from __future__ import annotations

import socket
from datetime import UTC, date, datetime, timedelta

import dagster as dg

from finpulse_assets.domain.calendar import build_sessions
from finpulse_assets.domain.simulator import MarketPlan, MarketScript
from finpulse_assets.gateways.sources.simulated.scripted_source import ScriptedMarket
from finpulse_assets.orchestration.rehearsal.freshness import note_freshness
from finpulse_assets.orchestration.rehearsal.kill import Kill, dying
from finpulse_assets.orchestration.run.dagster_internals import FreshnessState, freeze_time
from finpulse_assets.orchestration.run.killed_runs import HOST_TAG, PID_TAG, end_killed_runs

AT = datetime(2025, 10, 31, 20, 30, tzinfo=UTC)
SESSIONS = build_sessions(date(2017, 12, 29), date(2018, 3, 29))
MARKET = ScriptedMarket(MarketPlan(ticker_count=4, session_count=60), MarketScript(), SESSIONS)
POLICY = dg.FreshnessPolicy.time_window(
    warn_window=timedelta(days=1), fail_window=timedelta(days=2)
)


@dg.asset(freshness_policy=POLICY)
def watched() -> None: ...


@dg.asset
def kept() -> None: ...


@dg.asset(deps=[kept])
def asking() -> None:
    start = datetime(2018, 1, 1, tzinfo=UTC)
    MARKET.sources(SESSIONS["decision_at"][40]).named("wire").ask("headlines", start, start)


DEFS = dg.Definitions(
    assets=[watched, kept, asking], jobs=[dg.define_asset_job("job", selection=[kept, asking])]
)


def test_freshness_follows_the_given_time():
    graph = DEFS.resolve_asset_graph()
    with dg.DagsterInstance.ephemeral() as instance:
        with freeze_time(AT):
            dg.materialize([watched], instance=instance)
        states = []
        for hours in (1, 2, 30, 49):
            changed = note_freshness(instance, graph, AT + timedelta(hours=hours))
            record = instance.get_freshness_state_records([watched.key])[watched.key]
            states.append((changed, record.freshness_state))
    assert states == [
        (1, FreshnessState.PASS),
        (0, FreshnessState.PASS),
        (1, FreshnessState.WARN),
        (1, FreshnessState.FAIL),
    ]


def test_a_killed_run_leaves_what_it_wrote_and_no_end():
    kill = Kill(MARKET, "wire", "headlines")
    tags = {PID_TAG: str(2**30), HOST_TAG: socket.gethostname()}
    with dg.DagsterInstance.ephemeral() as instance:
        with dying(instance, kill):
            job = DEFS.resolve_job_def("job")
            job.execute_in_process(instance=instance, tags=tags, raise_on_error=False)
        [run] = instance.get_runs()
        assert run.status is dg.DagsterRunStatus.STARTED
        assert instance.get_latest_materialization_event(kept.key) is not None
        assert instance.get_latest_materialization_event(asking.key) is None
        end_killed_runs(instance)
        [run] = instance.get_runs()
        assert run.status is dg.DagsterRunStatus.FAILURE
        dg.materialize([kept], instance=instance)
        assert len(instance.get_runs()) == 2, "the instance writes again"
