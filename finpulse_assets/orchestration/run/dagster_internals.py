"""What FinPulse takes from Dagster's private modules, each with the reason; nobody else does.

- `FreshnessState`: what a record of `get_freshness_state_records` holds.
- `AssetCheckExecutionRecordStatus`: to ask the history of a check for its last decided evaluation.
- The tags of a run that covers a span of partitions, which no public name stands for.

Dagster is pinned to a minor version in pyproject.toml for the sake of this page.
"""

from dagster._core.definitions.freshness import FreshnessState
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
