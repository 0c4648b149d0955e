"""The traits of the texts of whole months, made where raw texts or settings have changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from importlib.metadata import version

import dagster as dg
import polars as pl

from finpulse_assets.domain.calendar import month_of
from finpulse_assets.domain.texts.near_copies import WINDOW
from finpulse_assets.domain.texts.normalise import NORMALISATION_VERSION
from finpulse_assets.domain.texts.traits import TRAITS_VERSION, left_out, text_traits
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.orchestration.catalog.metadata import newest
from finpulse_assets.orchestration.training.made_months import MadeMonths, files_of
from finpulse_assets.schemas import HEADLINES, TEXT_TRAITS, TWEETS

RAW = (TWEETS, HEADLINES)


def trait_months(lake: Lake, months: Iterable[str], *, languages: Sequence[str]) -> dict[str, int]:
    """Write the traits of every month that is out of date; return these months with their rows.

    A month is made from its texts and those of the month before, in which its near copies begin.

    Args:
        lake: with raw texts.
        months: partition keys of the run, which exist afterwards even without a text.
        languages: whose texts count, or ("all",).

    Raises:
        LakeError: the lake cannot be read or written.
    """
    present = {month for table in RAW for month in lake.partitions(table)}
    rules = [TRAITS_VERSION, NORMALISATION_VERSION, version("py3langid")]
    by = {"rules": rules, "languages": sorted(languages)}
    inputs = {
        month: {**by, "before": files_of(lake, RAW, _before(month)), **files_of(lake, RAW, month)}
        for month in {*months, *present}
    }
    made, written = MadeMonths(lake, TEXT_TRAITS), {}
    for month in made.outdated(inputs):
        by_these = [it for it in (_before(month), month) if made.note(it).get("rules") == rules]
        rows = _rows(lake, month, languages, held=by_these)
        made.write(month, rows, inputs[month])
        written[month] = rows.height
    return written


def traits_metadata(lake: Lake, months: Iterable[str]) -> dict[str, object]:
    """Return what a run shows: the table, who copies, and which texts no feature counts."""
    made = lake.scan(TEXT_TRAITS, months)
    rows, texts, copies, several = (
        made.select(
            pl.len(),
            texts=pl.col("text_hash").n_unique(),
            copies=(pl.col("group_hash") != pl.col("text_hash")).mean(),
            several=(pl.col("cashtag_count") > 1).mean(),
        )
        .collect()
        .row(0)
    )
    outside = left_out(made)
    named = ", ".join(f"{count:,} {language}" for language, count in outside.iter_rows())
    return {
        "dagster/row_count": lake.scan(TEXT_TRAITS).select(pl.len()).collect().item(),
        "rows_in_this_run": rows,
        "path": dg.MetadataValue.path(str(lake.root / TEXT_TRAITS.name)),
        "sample": newest(lake.scan(TEXT_TRAITS), TEXT_TRAITS),
        "near_copy_share": copies or 0.0,
        "several_tickers_share": several or 0.0,
        "left_out_texts": outside["texts"].sum(),
        "left_out": f"left out by FINPULSE_LANGUAGES: {outside['texts'].sum():,} of {texts:,} texts"
        + (f" ({named})" if named else ""),
    }


def _rows(lake: Lake, month: str, languages: Sequence[str], held: Sequence[str]) -> pl.DataFrame:
    columns = ("text_hash", "text", "session_date", "knowledge_time")
    texts = pl.concat(
        [lake.scan_present(table, [_before(month), month]).select(columns) for table in RAW]
    )
    since = date.fromisoformat(month) - 2 * WINDOW
    traits = text_traits(
        texts.filter(pl.col("session_date") >= since),
        languages=languages,
        held=lake.scan_present(TEXT_TRAITS, held).collect(),
    )
    return traits.filter(month_of("first_known_at") == month)


def _before(month: str) -> str:
    return f"{date.fromisoformat(month) - timedelta(days=1):%Y-%m-01}"
