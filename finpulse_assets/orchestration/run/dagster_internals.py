"""What FinPulse takes from Dagster's private modules, each with the reason; nobody else does.

- `FreshnessState`: what a record of `get_freshness_state_records` holds; a rehearsal notes its
  `FreshnessStateChange` in place of the daemon, for the policies of ours,
  `TimeWindowFreshnessPolicy`.
- `DECIDED`: to ask the history of a check for its last decided evaluation.
- `DATA_VERSION_TAG`: where a materialization holds its data version.
- `DecoratedOpFunction` and `replace`: to put a wrapper around the body of every asset in one place.
- The tags of a run that covers a span of partitions, which no public name stands for.
- The console's logger, which no setting of Dagster replaces for every run: `write_runs_with`.
- The SQLite storages, which would make an engine for every event: `reuse_engines`.

Dagster is pinned to a minor version in pyproject.toml for the sake of this page.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from dagster import InitLoggerContext, colored_console_logger
from dagster._core.definitions.data_version import DATA_VERSION_TAG
from dagster._core.definitions.decorators.op_decorator import DecoratedOpFunction
from dagster._core.definitions.freshness import (
    FreshnessState,
    FreshnessStateChange,
    TimeWindowFreshnessPolicy,
)
from dagster._core.remote_origin import (
    ManagedGrpcPythonEnvCodeLocationOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    PARTITION_NAME_TAG,
    REPOSITORY_LABEL_TAG,
)
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._record import replace

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

DECIDED = {AssetCheckExecutionRecordStatus.SUCCEEDED, AssetCheckExecutionRecordStatus.FAILED}


def freeze_time(at: datetime) -> AbstractContextManager[None]:
    """Let it be `at` for Dagster: the times of events and runs, and the partitions that exist.

    A rehearsal lives in simulated time, and no public name gives Dagster a clock.
    """
    from dagster._core.test_utils import freeze_time as frozen  # what only a rehearsal loads

    return frozen(at)


def write_runs_with(make: Callable[[InitLoggerContext], logging.Logger]) -> None:
    """Let runs without loggers of their own write to what `make` returns."""
    colored_console_logger._logger_fn = make


def reuse_engines() -> None:
    """Let Dagster's SQLite storages keep the engine of a file, and with it its compiled statements.

    They make one each time they read or write, which is half of what an event costs. An engine
    holds no connection: a fork, or a file that is replaced, finds none that is open.
    """
    from dagster._core.storage.event_log.sqlite import sqlite_event_log
    from dagster._core.storage.runs.sqlite import sqlite_run_storage
    from dagster._core.storage.schedules.sqlite import sqlite_schedule_storage
    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    @lru_cache(maxsize=32)  # a run has a file of its own
    def kept(address: str, connection: tuple[tuple[str, object], ...]) -> Engine:
        return create_engine(address, poolclass=NullPool, connect_args=dict(connection))

    def engine(
        address: str,
        *,
        poolclass: type[NullPool],
        connect_args: Mapping[str, object] = MappingProxyType({}),
    ) -> Engine:
        if poolclass is not NullPool:
            raise TypeError(f"a storage of Dagster keeps its connections in a {poolclass}")
        return kept(address, tuple(connect_args.items()))

    for storage in (sqlite_event_log, sqlite_run_storage, sqlite_schedule_storage):
        storage.create_engine = engine


__all__ = [
    "ASSET_PARTITION_RANGE_END_TAG",
    "ASSET_PARTITION_RANGE_START_TAG",
    "DATA_VERSION_TAG",
    "DECIDED",
    "PARTITION_NAME_TAG",
    "REPOSITORY_LABEL_TAG",
    "DecoratedOpFunction",
    "FreshnessState",
    "FreshnessStateChange",
    "LoadableTargetOrigin",
    "ManagedGrpcPythonEnvCodeLocationOrigin",
    "RemoteRepositoryOrigin",
    "TimeWindowFreshnessPolicy",
    "freeze_time",
    "replace",
    "reuse_engines",
    "write_runs_with",
]
