"""What FinPulse takes from Dagster's private modules, each with the reason; nobody else does.

- `FreshnessState`: what a record of `get_freshness_state_records` holds; a rehearsal notes its
  `FreshnessStateChange` in place of the daemon, for the policies of ours,
  `TimeWindowFreshnessPolicy`.
- `DECIDED`: to ask the history of a check for its last decided evaluation.
- `DATA_VERSION_TAG`: where a materialization holds its data version.
- `DecoratedOpFunction` and `replace`: to put a wrapper around the body of every asset in one place.
- The tags of a run that covers a span of partitions, which no public name stands for.

Dagster is pinned to a minor version in pyproject.toml for the sake of this page.
"""

from contextlib import AbstractContextManager
from datetime import datetime

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

DECIDED = {AssetCheckExecutionRecordStatus.SUCCEEDED, AssetCheckExecutionRecordStatus.FAILED}


def freeze_time(at: datetime) -> AbstractContextManager[None]:
    """Let it be `at` for Dagster: the times of events and runs, and the partitions that exist.

    A rehearsal lives in simulated time, and no public name gives Dagster a clock.
    """
    from dagster._core.test_utils import freeze_time as frozen  # what only a rehearsal loads

    return frozen(at)


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
]
