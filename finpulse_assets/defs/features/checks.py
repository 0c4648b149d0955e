"""Checks of the features: no knowledge of the future, no skill on placebo labels, sound values.

https://docs.dagster.io/guides/test/asset-checks
"""

from collections.abc import Iterator

import dagster as dg
import polars as pl

from finpulse_assets.domain.audit import quality
from finpulse_assets.domain.features.registry import FEATURES
from finpulse_assets.errors import EvaluationError
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.warehouse.reader import Warehouse
from finpulse_assets.orchestration.audit.feature_audit import (
    audit_features,
    audit_labels,
    read_features,
)
from finpulse_assets.orchestration.audit.feature_replay import FeatureReplay
from finpulse_assets.orchestration.dbt.models import DAILY_FEATURES, TRAINING_SET
from finpulse_assets.orchestration.run.clock import RunClock
from finpulse_assets.orchestration.run.once import ONCE
from finpulse_assets.orchestration.training.training_plan import read_recipe
from finpulse_assets.settings import Settings

WARN = dg.AssetCheckSeverity.WARN
QUALITY = {
    "features_are_present": "No feature lacks more than 10 % of its rows past its warm-up.",
    "outliers_are_few": "No feature has more than 20 % of its values beyond 5 robust sigmas.",
    "features_vary_and_differ": "No feature is constant or repeats another.",
    "spread_is_as_accepted": "Every feature is spread as in the last accepted build.",
}


@dg.asset_check(
    asset=[DAILY_FEATURES],
    pool="duckdb",
    op_tags=ONCE,
    blocking=True,
    description="No feature knows what its decision could not know: the input is cut at several "
    "decisions and built again, and earlier rows must stay the same to the last bit; a later start "
    "must not matter past the warm-up; a planted copy of the future must be found.",
)
def no_feature_looks_ahead(
    lake: dg.ResourceParam[Lake],
    settings: dg.ResourceParam[Settings],
    clock: dg.ResourceParam[RunClock],
) -> dg.AssetCheckResult:
    try:
        findings = audit_features(lake, FeatureReplay.of(settings), as_of=clock.as_of)
    except EvaluationError as error:
        return _not_judged(error)
    guilty = "\n".join(f"- {finding}" for finding in findings) or "none"
    return dg.AssetCheckResult(
        passed=not findings,
        description=f"{len(findings)} columns have leaked or depend on where the history begins. "
        "Hint: finpulse audit shows them" if findings else "no column has seen the future",
        metadata={"guilty": dg.MetadataValue.md(guilty), "columns": len(FEATURES)},
    )  # fmt: skip


@dg.asset_check(
    asset=[TRAINING_SET],
    pool="duckdb",
    op_tags=ONCE,
    blocking=True,
    description="Trained on outcomes that were shuffled within each session, the recipe has no "
    "skill on sessions it did not see. Skill here means that the evaluation leaks.",
)
def shuffled_labels_give_no_skill(
    warehouse: dg.ResourceParam[Warehouse], settings: dg.ResourceParam[Settings]
) -> dg.AssetCheckResult:
    try:
        found = audit_labels(read_recipe(warehouse, settings))
    except EvaluationError as error:
        return _not_judged(error)
    return dg.AssetCheckResult(
        passed=not found.has_skill,
        description=str(found),
        metadata={"auc": found.auc, "standard_errors": found.z, "predictions": found.rows},
    )


def _not_judged(error: EvaluationError) -> dg.AssetCheckResult:
    """Warn: there is too little to check, which is no leak."""
    return dg.AssetCheckResult(passed=False, severity=WARN, description=f"not audited: {error}")


@dg.multi_asset_check(
    specs=[
        dg.AssetCheckSpec(name, asset=[DAILY_FEATURES], description=text, blocking=True)
        for name, text in QUALITY.items()
    ],
    pool="duckdb",
    op_tags=ONCE,
)
def feature_quality(
    warehouse: dg.ResourceParam[Warehouse], lake: dg.ResourceParam[Lake]
) -> Iterator[dg.AssetCheckResult]:
    """Warnings only; they come before the profile of this build replaces the accepted one."""
    features = read_features(warehouse)
    profiled = quality.profile(features, FEATURES)
    accepted = lake.read_or_empty(quality.FEATURE_PROFILE).collect()
    troubles = {
        "features_are_present": quality.missing(features, FEATURES, profiled),
        "outliers_are_few": quality.outliers(features, FEATURES, profiled),
        "features_vary_and_differ": quality.constants_and_duplicates(features, FEATURES),
        "spread_is_as_accepted": quality.moved(features, FEATURES, accepted),
    }
    counts = {"outliers": int(profiled["outlier_count"].sum()), "rows": features.height}
    for name, found in troubles.items():
        yield dg.AssetCheckResult(
            check_name=name,
            asset_key=[DAILY_FEATURES],
            passed=not found,
            severity=WARN,
            description="; ".join(f"{it.feature}: {it.what}" for it in found[:3]) or None,
            metadata={
                **counts,
                "features": len(FEATURES),
                "troubled": len(found),
                "offending_rows": dg.MetadataValue.md(_shown(found)),
            },
        )


def _shown(troubles: list[quality.Trouble]) -> str:
    """Return each trouble with its rows as Markdown."""
    parts = []
    for it in troubles:
        with pl.Config(tbl_formatting="MARKDOWN", tbl_hide_dataframe_shape=True):
            parts.append(f"**{it.feature}**: {it.what}\n\n{it.rows}")
    return "\n\n".join(parts) or "none"
