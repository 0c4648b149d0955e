"""The scores of whole months: those of a run, and all others once the model was replaced."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from finpulse_assets.contract import Table
from finpulse_assets.domain.texts.scored_rows import distinct_texts, sentiment_rows, words_of
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.sentiment.scoring import TextScorer
from finpulse_assets.schemas import HEADLINES, TEXT_SENTIMENT, TWEETS


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


def rescore_other_months(
    lake: Lake, scorer: TextScorer, months: Sequence[str]
) -> Iterator[tuple[str, int]]:
    """Score anew every month outside a run that another model has scored; yield it and its rows.

    Scores of two models cannot be averaged, so the first run of a new model replaces all of the old
    one's. Each month is whole when it is yielded: a killed run goes on where it stopped.

    Args:
        lake: with raw texts and scores.
        scorer: of the present model.
        months: partition keys of the run, which are scored in any case.
    """
    for month in lake.partitions(TEXT_SENTIMENT):
        if month in months or _model_of(lake, month) in (None, scorer.fingerprint):
            continue
        rows = scored_rows(scorer, _month(lake, TWEETS, month), _month(lake, HEADLINES, month))
        lake.replace(TEXT_SENTIMENT, rows, [month])
        yield month, rows.height


def scoring_metadata(scorer: TextScorer, rows: pl.DataFrame) -> dict[str, object]:
    """Return what a run shows of its scoring: what was known, what was new, and how fast."""
    report = scorer.report
    shown = {
        "cache_hits": report.cache_hits,
        "scored": report.scored,
        "texts_per_second": report.texts_per_second,
        "device": report.device,
        "dtype": report.dtype,
        "truncated_share": float(rows["is_truncated"].mean() or 0.0),
        "mean_score": float(rows["score"].mean() or 0.0),
        "model_fingerprint": scorer.fingerprint,
    }
    return {name: value for name, value in shown.items() if value is not None}


def _model_of(lake: Lake, month: str) -> str | None:
    """Return the model of a month's scores; a month is written whole, so its first row tells."""
    first = lake.scan(TEXT_SENTIMENT, [month]).select("model_fingerprint").head(1).collect()
    return first.item() if first.height else None


def _month(lake: Lake, table: Table, month: str) -> pl.LazyFrame:
    present = month in lake.partitions(table)
    return lake.scan(table, [month]) if present else table.empty().lazy()
