"""The ledger of the prediction service as tables: answers, reports, and what came of them.

https://docs.dagster.io/guides/build/assets
"""

import dagster as dg
import polars as pl

from finpulse_assets.domain.predictions.answer_outcomes import matured_answers, quality_by_model
from finpulse_assets.gateways.clock import Now
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.serving.ledger_table import take_ended, take_outcomes
from finpulse_assets.gateways.warehouse.reader import Warehouse
from finpulse_assets.orchestration.catalog.metadata import (
    PLATFORM,
    RESEARCH,
    definition_metadata,
    description,
    table,
)
from finpulse_assets.orchestration.dbt.models import LABELS, PREDICTED_HORIZON
from finpulse_assets.schemas import ANSWER_OUTCOMES, LEDGER, REPORTED_OUTCOMES
from finpulse_assets.settings import Settings


@dg.asset(
    key_prefix="predictions",
    group_name="serving",
    kinds={"parquet"},
    owners=[PLATFORM],
    tags={"domain": "ml"},
    description=description(
        LEDGER,
        "Every answer that the prediction service gave and has recorded, from the segments that "
        "its processes have ended; `finpulse replay` gives one again.",
    ),
    metadata=definition_metadata(LEDGER),
)
def ledger(
    settings: dg.ResourceParam[Settings], lake: dg.ResourceParam[Lake]
) -> dg.MaterializeResult:
    taken = take_ended(settings.ledger, lake)
    return dg.MaterializeResult(
        metadata={"segments": taken.segments, "dagster/row_count": taken.answers}
    )


@dg.asset(
    key_prefix="predictions",
    deps=[ledger],
    group_name="serving",
    kinds={"parquet"},
    owners=[PLATFORM],
    tags={"domain": "ml"},
    description=description(
        REPORTED_OUTCOMES,
        "What callers of POST /outcomes have reported, as they did; predictions/answer_outcomes "
        "compares it with the prices.",
    ),
    metadata=definition_metadata(REPORTED_OUTCOMES),
)
def reported_outcomes(
    settings: dg.ResourceParam[Settings], lake: dg.ResourceParam[Lake], now: dg.ResourceParam[Now]
) -> dg.MaterializeResult:
    return dg.MaterializeResult(
        metadata={"dagster/row_count": take_outcomes(settings.ledger, lake, now())}
    )


@dg.asset(
    key_prefix="predictions",
    deps=[ledger, reported_outcomes, LABELS],
    pool="duckdb",
    group_name="serving",
    kinds={"polars", "parquet"},
    owners=[RESEARCH],
    tags={"domain": "ml"},
    description=description(
        ANSWER_OUTCOMES,
        "The service's answers beside what their target session did, by the lake's prices, with "
        "the quality of each model that answered or was scored beside. What callers reported is "
        "compared. The proof of the champion is judged on predictions/outcomes, in which each of "
        "its signals stands once, however often it was asked for.",
    ),
    metadata=definition_metadata(ANSWER_OUTCOMES),
    check_specs=[
        dg.AssetCheckSpec(
            "reports_agree",
            asset=["predictions", "answer_outcomes"],
            description="What callers have reported lies within a basis point of the prices. Where "
            "it does not, one of the two is wrong: look at the bars of that session.",
        )
    ],
)
def answer_outcomes(lake: dg.ResourceParam[Lake], warehouse: dg.ResourceParam[Warehouse]):
    known = [name for name in ANSWER_OUTCOMES.column_names if name in LEDGER.by_name]
    answers = lake.read_or_empty(LEDGER).select(known).collect()
    reported = lake.read_or_empty(REPORTED_OUTCOMES).collect()
    labels = warehouse.query(
        f'select *, "return" as return_next_session from {LABELS} '  # noqa: S608
        "where horizon = ? and target_session_date >= ?",
        [PREDICTED_HORIZON, answers["target_session_date"].min()],
    )
    found = matured_answers(answers, labels, reported)
    disputed = found.filter("is_disputed")
    compared = found["is_disputed"].count()
    return dg.MaterializeResult(
        value=found,
        metadata={
            "matured": found.height,
            "waiting_or_without_session": answers.height - found.height,
            "late": int(found["is_late"].sum()),
            "reports_compared": compared,
            "reports_that_differ": disputed.height,
            "reports_without_prices": reported["prediction_id"].n_unique() - compared,
            "quality": table(quality_by_model(found)),
        },
        check_results=[
            dg.AssetCheckResult(
                passed=disputed.is_empty(),
                check_name="reports_agree",
                severity=dg.AssetCheckSeverity.WARN,
                description=f"{disputed.height} of {compared} reports differ from the prices",
                metadata={"differing": table(_shown(disputed))},
            )
        ],
    )


def _shown(disputed: pl.DataFrame) -> pl.DataFrame:
    columns = ("prediction_id", "ticker", "target_session_date", "return_next_session",
               "reported_return")  # fmt: skip
    return disputed.select(columns).sort("prediction_id", descending=True).head(20)
