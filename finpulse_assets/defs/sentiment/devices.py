"""The device comparison: made when somebody asks for it, part of no job.

https://docs.dagster.io/guides/build/assets
"""

import dagster as dg
import polars as pl
from pydantic import Field

from finpulse_assets.defs.sentiment.assets import sentiment_model
from finpulse_assets.domain.plots.devices import device_plot
from finpulse_assets.domain.texts.device_costs import best_batches, priced
from finpulse_assets.gateways.sentiment.device_speed import arithmetics_here, measure_speed
from finpulse_assets.orchestration.catalog.metadata import (
    RESEARCH,
    definition_metadata,
    description,
    png,
    table,
)
from finpulse_assets.orchestration.training.sentiment_model import current_sentiment_model
from finpulse_assets.schemas import DEVICE_COMPARISON
from finpulse_assets.settings import Settings


class DeviceComparisonConfig(dg.Config):
    """What is measured."""

    batch_texts: list[int] = Field([1, 8, 32], description="texts a batch")
    text_tokens: list[int] = Field([16, 32, 64, 128], description="tokens a text")
    seconds_a_cell: float = Field(0.5, description="seconds that a cell is repeated for")


@dg.asset(
    key_prefix="models",
    deps=[sentiment_model],
    pool="finbert",
    group_name="sentiment",
    kinds={"pytorch", "parquet"},
    owners=[RESEARCH],
    tags={"domain": "ml"},
    description=description(
        DEVICE_COMPARISON,
        "How fast the sentiment model scores on this machine's devices, in each dtype, and what a "
        "million texts cost at FINPULSE_DEVICE_PRICE_PER_HOUR. No job makes it: materialize it "
        "when you choose a device or a dtype.",
    ),
    metadata=definition_metadata(DEVICE_COMPARISON),
)
def device_comparison(
    context: dg.AssetExecutionContext,
    config: DeviceComparisonConfig,
    settings: dg.ResourceParam[Settings],
):
    model = current_sentiment_model(settings)
    cells = []
    for cell in measure_speed(
        model.folder,
        arithmetics_here(),
        batch_texts=config.batch_texts,
        text_tokens=config.text_tokens,
        seconds=config.seconds_a_cell,
    ):
        context.log.info(
            f"{cell['dtype']} on {cell['device']}, {cell['batch_texts']} x {cell['text_tokens']} "
            f"tokens: {cell['texts_per_second']:,.1f} texts/s"
        )
        cells.append(cell)
    measured = priced(pl.DataFrame(cells), settings.device_price_per_hour, model.name)
    return dg.MaterializeResult(
        value=measured,
        metadata={
            "plot": png(device_plot(measured)),
            "best_batches": table(best_batches(measured)),
            "device_price_per_hour": settings.device_price_per_hour or "unset",
        },
    )
