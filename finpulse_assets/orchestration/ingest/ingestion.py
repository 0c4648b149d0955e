"""Ingestion: what every raw asset does with a delivery after the domain has judged it.

Quarantine, metadata and the blocking check of a delivery.
https://docs.dagster.io/guides/test/asset-checks
"""

from __future__ import annotations

import dagster as dg
import polars as pl

from finpulse_assets.contract import Table
from finpulse_assets.domain.ingestion.deliveries import Delivery
from finpulse_assets.gateways.lake.lake import WHOLE, Lake
from finpulse_assets.orchestration.catalog.metadata import sample
from finpulse_assets.schemas import QUARANTINE

BAD_ROWS_ARE_RARE = "bad_rows_are_rare"


def deliver(
    table: Table, delivery: Delivery, lake: Lake, max_bad_row_share: float
) -> dg.MaterializeResult:
    """Keep the refused rows, and return the new ones with their counts and the blocking check."""
    quarantined = _keep_quarantined(table, delivery, lake)
    share = delivery.bad_share
    metadata = {
        "delivered_rows": delivery.delivered,
        "new_rows": delivery.rows.height,
        "repeated_rows": delivery.repeated,
        "late_rows": delivery.late,
        "not_yet_known_rows": delivery.not_yet_known,
        "refused_rows": delivery.refused,
        "bad_row_share": share,
        "quarantine": dg.MetadataValue.path(str(lake.path(quarantine_of(table)))),
    }
    check = dg.AssetCheckResult(
        check_name=BAD_ROWS_ARE_RARE,
        passed=share <= max_bad_row_share,
        metadata={
            "refused_rows": delivery.refused,
            "delivered_rows": delivery.delivered,
            "bad_row_share": share,
            "limit": max_bad_row_share,
            "examples": sample(delivery.quarantined),
        },
        description=f"{delivery.refused} of {delivery.delivered} delivered rows were refused "
        f"({share:.1%}), the limit is {max_bad_row_share:.1%}. "
        + (_most_common(delivery.quarantined) if delivery.refused else ""),
    )
    if quarantined:
        metadata["quarantined_rows_in_all"] = quarantined
    return dg.MaterializeResult(value=delivery.rows, metadata=metadata, check_results=[check])


def bad_rows_check(*key: str) -> dg.AssetCheckSpec:
    """Return the spec of the blocking check of a raw asset."""
    return dg.AssetCheckSpec(
        BAD_ROWS_ARE_RARE,
        asset=list(key),
        blocking=True,
        description="At most FINPULSE_MAX_BAD_ROW_SHARE of the delivered rows were refused; the "
        "refused ones lie in the quarantine with their reasons.",
    )


def quarantine_of(table: Table) -> Table:
    """Return the contract of the quarantine beside a raw table, `quarantine/<name>`."""
    return Table(
        name=f"{QUARANTINE.name}/{table.name.split('/')[-1]}",
        grain=QUARANTINE.grain,
        known_at=QUARANTINE.known_at,
        columns=QUARANTINE.columns,
        key=QUARANTINE.key,
    )


def _keep_quarantined(table: Table, delivery: Delivery, lake: Lake) -> int:
    """Add refused rows to the quarantine; a row that was refused before keeps its first time."""
    quarantine = quarantine_of(table)
    held = lake.read_or_empty(quarantine).collect()
    merged = pl.concat([held, delivery.quarantined]).unique(
        "row_hash", keep="first", maintain_order=True
    )
    if merged.height:
        lake.replace(quarantine, merged, [WHOLE])
    return merged.height


def _most_common(quarantined: pl.DataFrame) -> str:
    reason, count = quarantined["reason"].value_counts(sort=True).row(0)
    return f"Most common: {reason} ({count} rows)."
