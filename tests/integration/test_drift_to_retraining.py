"""From a simulated market through its features, drift reports and the lake to the drift sensor."""

from __future__ import annotations

import dagster as dg

from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.orchestration.automation.retraining import drift_sensor
from finpulse_assets.settings import load_settings
from tests.fakes.drift_reports import add_reports
from tests.unit.domain.monitoring.drifting_markets import REPORTED, features, reports

QUIET, AFTER = 20, 30  # sessions before the change of regime and from it on


@dg.asset
def model() -> None: ...


def test_quiet_sessions_ask_for_nothing_and_a_change_of_regime_for_one_retraining(tmp_path):
    """Each session is reported and looked at; tests/unit/domain/monitoring looks at a year."""
    days = REPORTED[-80:][: QUIET + AFTER]
    history = reports(features(2, days[QUIET], times=3.0), days)
    drifted = history["is_drifted"].to_list()
    second = next(at for at in range(1, len(days)) if drifted[at - 1] and drifted[at])
    assert QUIET < second < QUIET + AFTER - 5, "sessions are left to ask again in"
    assert not any(drifted[:QUIET])

    lake, cursor, asked = Lake(tmp_path), None, []
    sensor = drift_sensor(dg.define_asset_job("retrain", [model]))
    for session in range(len(days)):
        add_reports(lake, history.slice(session, 1))
        resources = {"lake": lake, "settings": load_settings(home=tmp_path)}
        with dg.build_sensor_context(cursor=cursor, resources=resources) as context:
            tick = sensor.evaluate_tick(context)
        cursor = tick.cursor
        asked += [(session, request.run_key) for request in tick.run_requests]
    assert asked == [(second, f"drift-{days[second]}")]
