"""Published tasks as assets: skipped with a word, or scored by the paper's own rules."""

from __future__ import annotations

import re
from datetime import date, timedelta

import dagster as dg
import numpy as np
import polars as pl
import pytest

from finpulse_assets.defs.models.benchmarks import (
    PRICES,
    SP500,
    SYMBOLS,
    TWEETS,
    sp500,
    stocknet,
)
from finpulse_assets.domain.benchmark.stocknet import samples
from finpulse_assets.domain.calendar import build_sessions
from finpulse_assets.settings import Settings

DAYS = build_sessions(date(2015, 1, 2), date(2015, 9, 30))["session_date"].to_list()
SYMBOL_NAMES = [f"S{at:02d}" for at in range(8)]


def prices() -> pl.DataFrame:
    random = np.random.default_rng(1)
    parts = []
    for symbol in SYMBOL_NAMES:
        close = 50 * np.exp(np.cumsum(0.02 * random.standard_normal(len(DAYS))))
        opened = close * np.exp(0.01 * random.standard_normal(len(DAYS)))
        parts.append(
            pl.DataFrame(
                {
                    "date": DAYS, "symbol": symbol, "open": opened, "close": close,
                    "high": np.maximum(opened, close) * 1.01,
                    "low": np.minimum(opened, close) * 0.99, "adj_close": close,
                    "volume": random.integers(1_000, 9_000, len(DAYS)),
                }
            )
        )  # fmt: skip
    return pl.concat(parts)


def made(asset: dg.AssetsDefinition, settings: Settings) -> dict[str, str]:
    result = dg.materialize([asset], resources={"settings": settings})
    (made,) = result.asset_materializations_for_node(asset.op.name)
    return {name: value.value for name, value in made.metadata.items()}


def test_without_the_data_it_says_that_it_was_skipped(tmp_path):
    assert "FINPULSE_BENCHMARK_DATA is unset" in made(stocknet, Settings())["skipped"]
    found = made(sp500, Settings(benchmark_data=tmp_path))
    assert found["skipped"] == f"{tmp_path} lacks prices_daily_sp500.parquet"


def test_the_report_names_both_populations_and_the_published_figures(tmp_path):
    bars = prices()
    bars.write_parquet(tmp_path / PRICES)
    said = pl.date_range(DAYS[0], DAYS[-1], eager=True)
    pl.DataFrame({"symbol": SYMBOL_NAMES[0], "stocknet_date": said}).write_parquet(
        tmp_path / TWEETS
    )
    pl.DataFrame({"symbol": SYMBOL_NAMES, "sector": "Utilities", "company": "Ordinary"}).write_csv(
        tmp_path / SYMBOLS
    )
    report = made(stocknet, Settings(benchmark_data=tmp_path))["report"]
    days = [day for day in DAYS if day >= date(2015, 8, 1)]
    assert f"stock-days in {len(days)} sessions" in report
    for part in (
        "all labelled: ",
        "tweet-eligible: ",
        "majority class",
        "session's median",
        "  raw cut\n    ranking without    accuracy ",
        "  session's median\n    ranking without    accuracy ",
        "  close_to_close, days from 2014-01-01\n    ranking without    rank IC ",
        f"  {'StockNet HedgeFundAnalyst':36} 58.23 %",
    ):
        assert part in report, part  # fmt: skip


def test_the_report_of_the_sp500_sets_the_ranking_beside_the_baselines_with_intervals(tmp_path):
    prices().drop("adj_close").write_parquet(tmp_path / SP500)
    report = made(sp500, Settings(benchmark_data=tmp_path))["report"]
    for name in ("ranking without", "logistic on prices", "persistence", "reversal (1)"):
        line = rf"    {re.escape(name)} * rank IC [+-]0\.\d{{4}} \[.*\]  t -?\d"
        assert len(re.findall(line, report)) == 2, name
    assert "always up" not in report, "it orders nothing"
    earned = re.findall(r"bottom third \S+ \[(\S+), (\S+)\] bps a session, .* \[.*\] bps", report)
    assert len(earned) == 2 * 5
    assert all(float(low) < float(high) for low, high in earned)


@pytest.mark.parametrize(
    ("movement", "label"), [(-0.0051, 0), (-0.005, None), (0.0054, None), (0.0055, 1)]
)
def test_small_movements_are_no_samples(movement, label):
    days = [date(2015, 8, 3) + timedelta(days=at) for at in range(10)]
    close = [100.0] * 9 + [100 * (1 + movement)]
    bars = pl.DataFrame({"date": days, "symbol": "A", "adj_close": close})
    none = pl.DataFrame(schema={"symbol": pl.String, "stocknet_date": pl.Date})
    found = samples(bars, none, days[-1], days[-1] + timedelta(days=1))
    assert found["label"].to_list() == ([] if label is None else [label])
    assert not found["is_eligible"].any()
