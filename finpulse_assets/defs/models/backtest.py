"""The backtest: made when somebody asks for it, part of no job.

https://docs.dagster.io/guides/build/assets
"""

from datetime import date

import dagster as dg
from pydantic import Field

from finpulse_assets.errors import SettingError
from finpulse_assets.gateways.warehouse.reader import Warehouse
from finpulse_assets.orchestration.catalog.metadata import (
    RESEARCH,
    definition_metadata,
    description,
    png,
)
from finpulse_assets.orchestration.dbt.models import DAILY_FEATURES, TRAINING_SET
from finpulse_assets.orchestration.training.backtest import read_rows, replay, span_of
from finpulse_assets.orchestration.training.backtest_report import report_of
from finpulse_assets.schemas import BACKTEST
from finpulse_assets.settings import Settings


class BacktestConfig(dg.Config):
    """What is replayed."""

    first: str | None = Field(None, description="first day, such as 2015-01-02; unset: the first "
                              "that has enough outcomes before it")  # fmt: skip
    last: str | None = Field(None, description="last day; unset: the last with an outcome")


@dg.asset(
    key_prefix="models",
    deps=[DAILY_FEATURES, TRAINING_SET],
    pool="duckdb",
    group_name="models",
    kinds={"lightgbm", "parquet", "html"},
    owners=[RESEARCH],
    tags={"domain": "ml"},
    description=description(
        BACKTEST,
        "What the schedule would have traded, session by session: retraining on its dates, the "
        "gate's decisions, the champion's signals, fills at the next open, costs. No job makes it: "
        "materialize it, or run `finpulse backtest`.",
    ),
    metadata=definition_metadata(BACKTEST),
)
def backtest(
    context: dg.AssetExecutionContext,
    config: BacktestConfig,
    warehouse: dg.ResourceParam[Warehouse],
    settings: dg.ResourceParam[Settings],
):
    rows, scored_by = read_rows(warehouse)
    days = {name: _day(name, getattr(config, name)) for name in ("first", "last")}
    span = span_of(rows, settings, **days)
    found = replay(
        rows,
        span,
        settings,
        sentiment_fingerprint=scored_by,
        on_decision=lambda day, decision: context.log.info(f"{day}: {decision.reasons[-1]}"),
    )
    report = report_of(found, settings)
    return dg.MaterializeResult(
        value=found.table,
        metadata={
            **{f"plot_{name}": png(image) for name, image in report.plots.items()},
            "tear_sheet": dg.MetadataValue.path(str(report.write(settings.root))),
            **dict(report.summary.lines()),
        },
    )


def _day(name: str, given: str | None) -> date | None:
    try:
        return date.fromisoformat(given) if given else None
    except ValueError as error:
        raise SettingError(f"{name} is {given!r}", hint="it is a day such as 2015-09-30") from error
