"""The scores of whole months, made where the raw texts or the model have changed."""

from __future__ import annotations

from collections.abc import Iterable

import dagster as dg
import polars as pl

from finpulse_assets.domain.texts.scored_rows import distinct_texts, sentiment_rows, words_of
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.sentiment.baseline import vader_release
from finpulse_assets.gateways.sentiment.scoring import TextScorer
from finpulse_assets.orchestration.catalog.metadata import newest
from finpulse_assets.orchestration.training.made_months import MadeMonths, files_of
from finpulse_assets.schemas import HEADLINES, TEXT_SENTIMENT, TWEETS

RAW = (TWEETS, HEADLINES)


def score_months(lake: Lake, scorer: TextScorer, months: Iterable[str]) -> dict[str, int]:
    """Write the scores of every month that is out of date; return these months with their rows.

    A month is out of date when it was never scored, when its raw texts have changed since (a run
    loaded more, a backfill brought late texts, a source was added), or when another model scored
    it: scores of two models cannot be averaged. So the first run of a new model replaces all that
    the old one said. After a kill the next run goes on: what is written is whole.

    Args:
        lake: with raw texts and scores.
        scorer: of the present model.
        months: partition keys of the run, which exist afterwards even without a text.

    Raises:
        LakeError: the lake or a store of scores cannot be read or written.
    """
    present = {month for table in RAW for month in lake.partitions(table)}
    by = {"model": scorer.fingerprint, "vader": vader_release()}
    inputs = {month: {**by, **files_of(lake, RAW, month)} for month in {*months, *present}}
    made, written = MadeMonths(lake, TEXT_SENTIMENT), {}
    outdated = made.outdated(inputs)
    if scorer.engine.all_at_once and len(outdated) > 1:
        scored_rows(scorer, *(lake.scan_present(table, outdated) for table in RAW))
        # The months find below what was scored here: that is no hit of the cache.
        scorer.report.cache_hits = -scorer.report.scored
    for month in outdated:
        rows = scored_rows(scorer, *(lake.scan_present(table, [month]) for table in RAW))
        made.write(month, rows, inputs[month])
        written[month] = rows.height
    return written


def scored_rows(scorer: TextScorer, tweets: pl.LazyFrame, headlines: pl.LazyFrame) -> pl.DataFrame:
    """Return the rows of scored/text_sentiment for some texts; only new ones are read and scored.

    Args:
        scorer: the model and VADER, with what they have scored before.
        tweets: `schemas.TWEETS`.
        headlines: `schemas.HEADLINES`.
    """
    texts = distinct_texts(tweets, headlines)
    scores = scorer.scores(texts["text_hash"], lambda unknown: words_of(tweets, headlines, unknown))
    return sentiment_rows(texts, scores, scorer.fingerprint)


def scoring_metadata(lake: Lake, scorer: TextScorer, months: Iterable[str]) -> dict[str, object]:
    """Return what a run shows: the table, what was known and what was new, and how fast."""
    made = lake.scan(TEXT_SENTIMENT, months)
    shown = made.select(
        pl.len(), truncated=pl.col("is_truncated").mean(), score=pl.col("score").mean()
    ).collect()
    rows, truncated_share, mean_score = shown.row(0)
    report = scorer.report
    known = {
        "dagster/row_count": lake.scan(TEXT_SENTIMENT).select(pl.len()).collect().item(),
        "rows_in_this_run": rows,
        "path": dg.MetadataValue.path(str(lake.root / TEXT_SENTIMENT.name)),
        "sample": newest(lake.scan(TEXT_SENTIMENT), TEXT_SENTIMENT),
        "cache_hits": report.cache_hits,
        "scored": report.scored,
        "truncated": report.truncated,
        "texts_per_second": report.texts_per_second,
        "device": report.device,
        "dtype": report.dtype,
        "texts_by_node": dict(report.texts_by_node) or None,
        "truncated_share": truncated_share or 0.0,
        "mean_score": mean_score or 0.0,
        "model_fingerprint": scorer.fingerprint,
    }
    return {name: value for name, value in known.items() if value is not None}
