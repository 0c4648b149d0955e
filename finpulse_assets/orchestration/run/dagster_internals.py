"""What FinPulse takes from Dagster's private modules, each with the reason; nobody else does.

Dagster is pinned to a minor version in pyproject.toml for the sake of this page.
"""

# Tags of a run that covers a span of partitions: execute_in_process takes them, and no public name
# stands for them.
# The state of a freshness policy, which get_freshness_state_records returns.
from dagster._core.definitions.freshness import FreshnessState

# Whether a check was decided, to ask its history for the last decided evaluation.
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    PARTITION_NAME_TAG,
)

__all__ = [
    "ASSET_PARTITION_RANGE_END_TAG",
    "ASSET_PARTITION_RANGE_START_TAG",
    "PARTITION_NAME_TAG",
    "AssetCheckExecutionRecordStatus",
    "FreshnessState",
]
