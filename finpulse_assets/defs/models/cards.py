"""The cards of the champion and of the data, for people who have to judge them.

https://docs.dagster.io/guides/build/assets
"""

import dagster as dg
import polars as pl

from finpulse_assets.defs.models.assets import IMPORTANCE_KEY, promotion
from finpulse_assets.domain.evaluation.model_card import model_card
from finpulse_assets.domain.evaluation.report import evaluations
from finpulse_assets.domain.ingestion.data_card import data_card
from finpulse_assets.gateways.atomic import written_atomically
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.models.model_store import ModelStore
from finpulse_assets.gateways.warehouse.reader import Warehouse
from finpulse_assets.orchestration.automation.schedule import in_the_same_run
from finpulse_assets.orchestration.catalog.data_facts import (
    mart_rows,
    requests_made,
    rows_held,
)
from finpulse_assets.orchestration.catalog.metadata import RESEARCH
from finpulse_assets.orchestration.dbt.models import TRAINING_SET
from finpulse_assets.orchestration.run.clock import RunClock
from finpulse_assets.orchestration.run.sources import planted_sentence
from finpulse_assets.schemas import FOLD_IMPORTANCE
from finpulse_assets.settings import Settings


@dg.asset(
    key_prefix="models",
    ins={"evaluation": dg.AssetIn(["models", "evaluation"])},
    deps=[promotion, TRAINING_SET, IMPORTANCE_KEY],
    pool="duckdb",
    group_name="models",
    kinds={"markdown"},
    owners=[RESEARCH],
    tags={"domain": "ml"},
    description="The model card of the champion (how it was made, what is proven of it, beside the "
    "baselines, limits) and the data card (what the sources delivered, how far it reaches, what "
    "was refused). One of each per home, made anew by each run that promotes; known "
    "when the promotion ends.",
    automation_condition=in_the_same_run(),
)
def cards(
    evaluation: pl.LazyFrame,
    lake: dg.ResourceParam[Lake],
    models: dg.ResourceParam[ModelStore],
    warehouse: dg.ResourceParam[Warehouse],
    settings: dg.ResourceParam[Settings],
    clock: dg.ResourceParam[RunClock],
) -> dg.MaterializeResult:
    decision = models.in_force()
    candidate_id = decision.champion.candidate_id
    own = [it for it in evaluations(evaluation.collect()) if it.candidate_id == candidate_id]
    texts = {
        "model_card": model_card(
            models.load(candidate_id),
            decision,
            own[0] if own else None,
            planted=planted_sentence(settings),
            holdout_reads=len(models.holdout_reads()),
            by_fold=lake.read_or_empty(FOLD_IMPORTANCE)
            .filter(pl.col("candidate_id") == candidate_id)
            .collect(),
        ),
        "data_card": data_card(
            rows_held(lake), requests_made(lake), mart_rows(warehouse), as_of=clock.as_of
        ),
    }
    metadata: dict[str, object] = {"candidate_id": candidate_id}
    for name, text in texts.items():
        path = settings.root / "reports" / f"{name}.md"
        with written_atomically(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
        metadata[name] = dg.MetadataValue.md(text)
        metadata[f"{name}_path"] = dg.MetadataValue.path(str(path))
    return dg.MaterializeResult(metadata=metadata)
