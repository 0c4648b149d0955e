"""The analyst's reports on the strongest signals.

https://docs.dagster.io/guides/build/assets
"""

import dagster as dg

from finpulse_assets.defs.signals.assets import daily_signals
from finpulse_assets.gateways.clock import Now
from finpulse_assets.gateways.reports.analyst_folder import FOLDER
from finpulse_assets.orchestration.catalog.metadata import RESEARCH
from finpulse_assets.orchestration.reporting.report import keep, make_report, reader_of
from finpulse_assets.orchestration.run.once import ONCE
from finpulse_assets.settings import Settings

STRONGEST = 3
READ = (
    "raw/tweets", "raw/headlines", "raw/prices", "raw/tickers", "raw/sources",
    "scored/text_sentiment", "models/evaluation", "models/promotion",
)  # fmt: skip


@dg.asset(
    key_prefix="serving",
    deps=[daily_signals, *(dg.AssetKey(key.split("/")) for key in READ)],
    pool="finbert",
    op_tags=ONCE,
    group_name="serving",
    kinds={"markdown", "html"},
    owners=[RESEARCH],
    tags={"domain": "ml"},
    description="The analyst's report on each of the three strongest signals, in words that stand "
    "among the facts of the tables: Markdown, HTML and plots, one report per ticker; known at "
    "predicted_at of the signals.",
)
def analyst_reports(
    settings: dg.ResourceParam[Settings], now: dg.ResourceParam[Now]
) -> dg.MaterializeResult:
    folder, metadata = settings.root / FOLDER, {}
    for ticker in reader_of(settings).strongest(STRONGEST):
        made = make_report(settings, ticker, now=now())
        metadata[ticker] = dg.MetadataValue.path(str(keep(made, folder)))
        metadata[f"{ticker}_report"] = dg.MetadataValue.md(made.written.text)
        metadata[f"{ticker}_writer"] = made.written.because or made.written.writer
    return dg.MaterializeResult(metadata=metadata)
