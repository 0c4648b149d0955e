"""Factories of the assets that ingest: one a source, and one a kind of row that unites them."""

from collections.abc import Sequence

import dagster as dg
import polars as pl

from finpulse_assets.domain.calendar import last_completed_session
from finpulse_assets.domain.ingestion.companies import directory
from finpulse_assets.domain.ingestion.listings import (
    next_versions,
    unite_listings,
    with_directory,
)
from finpulse_assets.errors import SourceError
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.sources.source import Sources
from finpulse_assets.orchestration.automation.freshness import DATA_FRESHNESS
from finpulse_assets.orchestration.catalog.metadata import (
    MARKET_DATA,
    column_schema,
    definition_metadata,
    description,
    sample,
)
from finpulse_assets.orchestration.ingest.left_out import left_out
from finpulse_assets.orchestration.ingest.request import (
    FAILED,
    PARTIAL,
    REFUSED,
    Answer,
    Request,
    collect,
)
from finpulse_assets.orchestration.ingest.union import unite
from finpulse_assets.orchestration.run.clock import RunClock
from finpulse_assets.orchestration.run.partitions import MONTHS
from finpulse_assets.orchestration.run.sources import SourceKind
from finpulse_assets.schemas import (
    RAW_TABLES,
    TEXT_KINDS,
    TICKERS,
    Kind,
    requests_table,
    source_table,
)
from finpulse_assets.settings import Settings

SOURCE_ANSWERED, BAD_ROWS_ARE_RARE = "source_answered", "bad_rows_are_rare"
SESSIONS_IN = {"sessions": dg.AssetIn(["raw", "sessions"])}


def source_asset(
    kind_of_source: SourceKind, kinds: Sequence[Kind], *, is_only_source_of_prices: bool
) -> dg.AssetsDefinition:
    """Return the asset of one source: it keeps what was delivered, with request, status and time.

    Its checks stop a run only where no other source has prices: else its failure is its own.
    """
    name, (retries, wait) = kind_of_source.name, kind_of_source.retries
    requests = requests_table(name)

    @dg.asset(
        key=["source", name],
        ins=SESSIONS_IN,
        partitions_def=MONTHS,
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool=f"source_{name}",
        group_name="sources",
        kinds={"parquet", "polars"},
        owners=[MARKET_DATA],
        tags={"domain": "sources"},
        description=f"{kind_of_source.sentence} Gives {', '.join(kinds)}, kept as delivered in "
        f"tables of their own beside the list of requests: {requests.grain}; {requests.known_at}.",
        metadata={"dagster/column_schema": column_schema(requests)},
        freshness_policy=DATA_FRESHNESS,
        check_specs=[
            dg.AssetCheckSpec(
                SOURCE_ANSWERED,
                asset=["source", name],
                blocking=is_only_source_of_prices,
                description="The source answered every request of the run; what it did not "
                "deliver is asked for again by the next one.",
            ),
            dg.AssetCheckSpec(
                BAD_ROWS_ARE_RARE,
                asset=["source", name],
                blocking=is_only_source_of_prices,
                description="At most FINPULSE_MAX_BAD_ROW_SHARE of the delivered rows of each "
                "kind were refused; the refused ones lie in the quarantine with their reasons.",
            ),
        ],
    )
    def source(
        context: dg.AssetExecutionContext,
        sessions: pl.LazyFrame,
        sources: dg.ResourceParam[Sources],
        lake: dg.ResourceParam[Lake],
        clock: dg.ResourceParam[RunClock],
        settings: dg.ResourceParam[Settings],
    ):
        request = Request(
            source=sources.named(name),
            lake=lake,
            clock=clock,
            months=context.partition_keys,
            sessions=sessions.collect(),
            max_bad_row_share=settings.max_bad_row_share,
            price_sources=[source.name for source in sources.giving("prices")],
            accepted_moves=settings.moves_accepted,
            largest_move=settings.largest_move,
        )
        answers = collect(request, universe(sources, lake)["ticker"].unique().to_list())
        is_incomplete = any(answer.status in (FAILED, PARTIAL) for answer in answers)
        if is_incomplete and context.retry_number < retries:
            raise dg.RetryRequested(max_retries=retries, seconds_to_wait=wait)
        answered = [answer.kind for answer in answers if answer.status != FAILED]
        return dg.MaterializeResult(
            metadata={**_metadata(answers), **left_out(request, answered)},
            check_results=_checks(answers, settings),
        )

    return source


def universe(sources: Sources, lake: Lake) -> pl.DataFrame:
    """Return what the sources of prices list now, or what is held where none of them answers.

    The directories add what those do not say: the company, its sector, and its end.

    Raises:
        SourceError: none answers, and nothing is held.
    """
    try:
        return with_directory(unite_listings(sources.listings()), _directory(sources, lake))
    except SourceError:
        held = lake.read_or_empty(TICKERS).collect()
        if held.is_empty():
            raise
        return held


def _directory(sources: Sources, lake: Lake) -> pl.DataFrame:
    names = dict.fromkeys(source.name for source in sources.giving("listings"))
    return directory([lake.read_or_empty(source_table(it, "listings")).collect() for it in names])


def tickers_asset(names: Sequence[str]) -> dg.AssetsDefinition:
    """Return the asset of the tickers of the deployment, every version, from the sources `names`.

    Sources of prices say which there are, directories what else is known of them.
    """

    @dg.asset(
        key_prefix="raw",
        ins=SESSIONS_IN,
        deps=[["source", name] for name in names],
        group_name="market_data",
        kinds={"polars"},
        owners=[MARKET_DATA],
        tags={"domain": "market"},
        description=description(
            TICKERS,
            "Symbols of the deployment, every version: listed by the sources of prices, with what "
            "the directories say of company, sector and end.",
        ),
        metadata=definition_metadata(TICKERS),
    )
    def tickers(
        sessions: pl.LazyFrame,
        sources: dg.ResourceParam[Sources],
        lake: dg.ResourceParam[Lake],
        clock: dg.ResourceParam[RunClock],
    ) -> pl.DataFrame:
        today = last_completed_session(sessions.collect(), clock.as_of)["session_date"]
        held = lake.read_or_empty(TICKERS).collect()
        return next_versions(held, universe(sources, lake), today)

    return tickers


def raw_asset(kind: Kind, names: Sequence[str], sentence: str) -> dg.AssetsDefinition:
    """Return the asset that unites one kind of row from the sources `names`, in their order."""
    table, is_text = RAW_TABLES[kind], kind in TEXT_KINDS

    @dg.asset(
        key=["raw", kind],
        ins={**SESSIONS_IN, "tickers": dg.AssetIn(["raw", "tickers"])},
        deps=[["source", name] for name in names],
        partitions_def=MONTHS,
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool=f"lake_{kind}",
        group_name="news" if is_text else "market_data",
        kinds={"parquet", "polars"},
        owners=[MARKET_DATA],
        tags={"domain": "news" if is_text else "market"},
        description=description(table, sentence),
        metadata=definition_metadata(table),
        freshness_policy=DATA_FRESHNESS if kind == "prices" or is_text else None,
    )
    def raw(
        context: dg.AssetExecutionContext,
        sessions: pl.LazyFrame,
        tickers: pl.LazyFrame,
        lake: dg.ResourceParam[Lake],
        clock: dg.ResourceParam[RunClock],
    ) -> dg.MaterializeResult:
        return unite(
            kind,
            names,
            lake=lake,
            clock=clock,
            months=context.partition_keys,
            sessions=sessions.collect(),
            tickers=tickers.select("ticker").unique().collect()["ticker"].to_list(),
        )

    return raw


def _metadata(answers: Sequence[Answer]) -> dict[str, object]:
    found = [answer.delivery for answer in answers if answer.delivery is not None]
    counts = {
        "delivered_rows": sum(one.delivered for one in found),
        "new_rows": sum(one.rows.height for one in found),
        "repeated_rows": sum(one.repeated for one in found),
        "late_rows": sum(one.late for one in found),
        "not_yet_known_rows": sum(one.not_yet_known for one in found),
        "refused_rows": sum(one.refused for one in found),
    }
    by_kind = pl.DataFrame(
        [
            {"kind": answer.kind, "status": answer.status, "problem": answer.problem or ""}
            for answer in answers
        ],
        schema={"kind": pl.String, "status": pl.String, "problem": pl.String},
    )
    notes = [note for one in found for note in one.notes]
    return {**counts, "requests": sample(by_kind), "notes": "; ".join(notes) or "none"}


def _few(bad: Sequence[pl.DataFrame]) -> str:
    rows = sum(frame.height for frame in bad)
    return f"{rows} rows were refused, such as: {bad[0]['reason'][0]}" if rows else "none"


def _checks(answers: Sequence[Answer], settings: Settings) -> list[dg.AssetCheckResult]:
    failed = [f"{a.kind}: {a.problem}" for a in answers if a.status in (FAILED, PARTIAL)]
    refused = [f"{a.kind}: {a.problem}" for a in answers if a.status == REFUSED]
    bad = [a.delivery.quarantined for a in answers if a.delivery and a.delivery.refused]
    return [
        dg.AssetCheckResult(
            check_name=SOURCE_ANSWERED,
            passed=not failed,
            description="; ".join(failed) or "every request was answered",
            metadata={"failed_requests": len(failed), "requests": len(answers)},
        ),
        dg.AssetCheckResult(
            check_name=BAD_ROWS_ARE_RARE,
            passed=not refused,
            description="; ".join(refused) or _few(bad),
            metadata={
                "refused_rows": sum(frame.height for frame in bad),
                "limit": settings.max_bad_row_share,
                "examples": sample(pl.concat(bad)) if bad else "none",
            },
        ),
    ]
