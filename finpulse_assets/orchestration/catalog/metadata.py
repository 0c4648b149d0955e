"""The catalogue: what every asset shows in the UI, made from the table contracts.

https://docs.dagster.io/guides/build/assets/metadata-and-tags
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import dagster as dg
import polars as pl

from finpulse_assets import schemas
from finpulse_assets.contract import Table
from finpulse_assets.domain.audit.quality import FEATURE_PROFILE
from finpulse_assets.domain.catalogue import CatalogueTable
from finpulse_assets.domain.features.minutes import MINUTE_FEATURES
from finpulse_assets.domain.features.online import ONLINE_FEATURES
from finpulse_assets.domain.features.technical import TECHNICAL_FEATURES
from finpulse_assets.domain.texts.embeddings import TEXT_EMBEDDINGS

MARKET_DATA, RESEARCH, PLATFORM = "team:market-data", "team:research", "team:platform"

LAKE_TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        schemas.SOURCES,
        schemas.SESSIONS,
        schemas.TICKERS,
        schemas.TWEETS,
        schemas.HEADLINES,
        schemas.PRICES,
        schemas.CORPORATE_ACTIONS,
        schemas.BARS_1M,
        schemas.LISTINGS,
        schemas.HOLDINGS,
        schemas.OPTIONS,
        schemas.SENTIMENT_LEADERBOARD,
        schemas.TEXT_SENTIMENT,
        schemas.TEXT_TRAITS,
        schemas.DEVICE_COMPARISON,
        TECHNICAL_FEATURES,
        MINUTE_FEATURES,
        TEXT_EMBEDDINGS,
        schemas.FOLD_IMPORTANCE,
        schemas.EVALUATION,
        schemas.BACKTEST,
        schemas.OUT_OF_SAMPLE,
        schemas.DAILY_SIGNALS,
        schemas.OUTCOMES,
        schemas.LEDGER,
        schemas.REPORTED_OUTCOMES,
        schemas.ANSWER_OUTCOMES,
        schemas.FEATURE_DRIFT,
        schemas.TEXT_DRIFT,
        schemas.LIVE_QUALITY,
        FEATURE_PROFILE,
        ONLINE_FEATURES,
    )
}

SAMPLE_ROWS = 5
LARGE = 1_000  # from here on four digits would hide what stands before the point
# Between the characters of an address it keeps Markdown from making a link of it.
ZERO_WIDTH_SPACE = "\u200b"


def table_of(key: dg.AssetKey) -> Table:
    """Return the contract of a lake asset.

    Raises:
        KeyError: the asset is no lake table; a mistake in a definition, not of a user.
    """
    return LAKE_TABLES[key.to_user_string()]


def description(table: Table, sentence: str) -> str:
    """Return the catalogue text: what, the grain, and when it is known."""
    return f"{sentence} {table.grain[0].upper()}{table.grain[1:]}; {table.known_at}."


def definition_metadata(table: Table) -> dict[str, object]:
    """Return the metadata of a lake table that is known before any run."""
    return {
        "dagster/table_name": table.name,
        "dagster/column_schema": column_schema(table),
        "grain": table.grain,
        "key": ", ".join(table.key),
    }


def column_schema(table: Table) -> dg.TableSchema:
    """Return the columns of `table` for the UI, with units in the description."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name=column.name,
                type=str(column.dtype),
                description=f"{column.meaning}" + (f" [{column.unit}]" if column.unit else ""),
                constraints=dg.TableColumnConstraints(nullable=column.nullable),
            )
            for column in table.columns
        ]
    )


def entry_schema(entry: CatalogueTable) -> dg.TableSchema:
    """Return the columns of a catalogue entry for the UI."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name=column.name,
                type=column.sql_type,
                description=column.comment,
                constraints=dg.TableColumnConstraints(nullable=column.nullable),
            )
            for column in entry.columns
        ]
    )


def finite(values: Mapping[str, float]) -> dict[str, float]:
    """Return the numbers that exist: the score of a constant, for one, may not.

    >>> finite({"auc": 0.5, "rank_ic": float("nan")})
    {'auc': 0.5}
    """
    return {name: value for name, value in values.items() if math.isfinite(value)}


def newest(rows: pl.LazyFrame, contract: Table) -> dg.MarkdownMetadataValue:
    """Return the newest rows of a table for the UI, the last ones where it has no time.

    Only the column of the time is read whole.
    """
    at = contract.partition_column or next(
        (column.name for column in contract.columns if column.dtype.is_temporal()), None
    )
    if at is None:
        return sample(rows.tail(SAMPLE_ROWS).collect())
    first = rows.select(at).top_k(SAMPLE_ROWS, by=at).min().collect().item()
    return sample(rows.filter(pl.col(at) >= pl.lit(first)).collect().sort(at, maintain_order=True))


def sample(frame: pl.DataFrame) -> dg.MarkdownMetadataValue:
    """Return the last rows of a frame as a table for the UI."""
    return table(frame.tail(SAMPLE_ROWS))


def table(frame: pl.DataFrame) -> dg.MarkdownMetadataValue:
    """Return a short frame as a table for the UI; numbers are rounded, texts cut and escaped."""
    lines = ["| " + " | ".join(frame.columns) + " |", "|" + "---|" * len(frame.columns)]
    lines += ["| " + " | ".join(_cell(value) for value in row) + " |" for row in frame.iter_rows()]
    return dg.MetadataValue.md("\n".join(lines))


def _cell(value: object) -> str:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "–"
    if isinstance(value, float):
        return f"{value:,.2f}" if abs(value) >= LARGE else f"{value:.4g}"
    text = " ".join(str(value).split())
    text = text if len(text) <= 60 else text[:59] + "…"
    # Tweets are hostile input: nothing in them may end the cell or become a link or an element.
    for mark in "\\|<>[]`*_!":
        text = text.replace(mark, "\\" + mark)
    for address in ("://", "www.", "@"):
        text = text.replace(address, address[:1] + ZERO_WIDTH_SPACE + address[1:])
    return text


def png(image: bytes) -> dg.MarkdownMetadataValue:
    """Return a PNG as inline metadata."""
    import base64

    return dg.MetadataValue.md(f"![plot](data:image/png;base64,{base64.b64encode(image).decode()})")
