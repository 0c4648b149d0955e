"""dbt's command line as a resource: its version is known without starting it."""

from __future__ import annotations

from importlib.metadata import version

from dagster_dbt.core import resource

from finpulse_assets.orchestration.dbt.project import dbt_resource
from finpulse_assets.settings import load_settings


def test_no_process_is_started_to_ask_for_the_version(tmp_path, monkeypatch):
    def refuse(*_: object) -> bytes:
        raise AssertionError("a process was started")

    monkeypatch.setattr(resource, "check_output", refuse)
    dbt = dbt_resource(load_settings(home=tmp_path))
    assert str(dbt._cli_version) == version("dbt-core")
