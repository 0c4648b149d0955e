"""What texts add: the same ranking over the same days, with the features of texts and without."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import polars as pl

from finpulse_assets.domain.benchmark.price_panel import (
    CLOSE_TO_CLOSE,
    OPEN_TO_CLOSE,
    bars_of,
    sectors_of,
    training_frame,
)
from finpulse_assets.domain.benchmark.walk import PRICE_FEATURES, daily_ic, mean_of, walk_forward
from finpulse_assets.domain.features.registry import FEATURES
from finpulse_assets.domain.models.ranking import Ranking, RankingPlan
from finpulse_assets.domain.models.registry import RANKING, twin_of

TEXT_FEATURES = tuple(feature.name for feature in FEATURES if feature.is_text)


def with_texts(frame: pl.DataFrame, features: pl.DataFrame) -> pl.DataFrame:
    """Return a training frame with the features of texts, null where a day has no row.

    Args:
        frame: from `price_panel.training_frame`.
        features: ticker, session_date and TEXT_FEATURES, each once a ticker and day.
    """
    keys = ["ticker", "session_date"]
    return frame.join(features.select(*keys, *TEXT_FEATURES), on=keys, how="left", validate="1:1")


def report(
    prices: pl.DataFrame,
    symbols: pl.DataFrame,
    features: pl.DataFrame,
    end: date,
    *,
    plan: RankingPlan | None = None,
) -> Iterator[str]:
    """Yield the lines of the report.

    Args:
        prices: date, symbol, open, high, low, close, adj_close, volume.
        symbols: symbol, sector, company.
        features: fct_daily_features of the same stocks.
        end: the day after the last one.
        plan: how to fit; None for the default.
    """
    bars = bars_of(prices)
    fit = plan or RankingPlan()
    candidates = (
        Ranking(RANKING, PRICE_FEATURES + TEXT_FEATURES, fit),
        Ranking(twin_of(RANKING), PRICE_FEATURES, fit),
    )
    yield "Rank IC out of sample, walk-forward refitted monthly, with texts and without"
    for label in (CLOSE_TO_CLOSE, OPEN_TO_CLOSE):
        plain = training_frame(bars, label=label, tickers=sectors_of(symbols, bars))
        frame = with_texts(plain, features)
        known = frame["text_count"].fill_null(0) > 0
        yield f"  {label}: {known.sum():,} of {frame.height:,} stock-days have a text"
        walked = walk_forward(frame, first=None, end=end, candidates=candidates)
        by_inputs = {
            name: daily_ic(walked.filter(candidate=it.name))
            for name, it in zip(("prices and texts", "prices alone"), candidates, strict=True)
        }
        for name, found in by_inputs.items():
            yield f"    {name:17} {mean_of(found['ic'].to_numpy())}"
        paired = by_inputs["prices and texts"].join(by_inputs["prices alone"], on="session_date")
        yield f"    {'what texts add':17} {mean_of((paired['ic'] - paired['ic_right']).to_numpy())}"
