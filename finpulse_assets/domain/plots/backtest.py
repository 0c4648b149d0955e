"""Pictures of a backtest, as PNG bytes: each title states what the picture shows."""

from __future__ import annotations

import numpy as np
import polars as pl

from finpulse_assets.domain.evaluation.backtest import BacktestSummary
from finpulse_assets.domain.plots.style import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    PALE,
    as_png,
    canvas,
    concise_dates,
    legend,
)

SMOOTHED = 20  # sessions of the moving mean of the rank IC


def path_plot(table: pl.DataFrame, summary: BacktestSummary) -> bytes:
    """Return a PNG of the sums of gross and net returns, and of the fall below the highest point.

    Args:
        table: schemas.BACKTEST.
        summary: of the same.
    """
    days = table["session_date"].to_numpy()
    gross, net = (100 * table[name].cum_sum().to_numpy() for name in ("gross", "net"))
    figure, (upper, lower) = canvas(
        f"{100 * table['gross'].sum():+.1f} % before costs, {100 * table['net'].sum():+.1f} % "
        f"after {summary.cost_bps:g} bps a trade",
        height=5.0, grid="y", ratios=(3, 1),
    )  # fmt: skip
    upper.axhline(0, color=GREY, linewidth=1)
    upper.plot(days, gross, color=GREY, linewidth=1.6, label="gross")
    upper.plot(days, net, color=BLUE, linewidth=1.8, label="net")
    low, high = upper.get_ylim()
    is_proven = table["is_proven"].to_numpy()
    upper.fill_between(
        days, low, high, where=is_proven, step="post", color=PALE, alpha=0.5, linewidth=0,
        label="champion proven", zorder=0,
    )  # fmt: skip
    upper.set_ylim(low, high)
    upper.set_ylabel("sum of returns, % of a side")
    legend(upper, place="upper left")
    whole = np.concatenate([[0.0], net])
    fall = (whole - np.maximum.accumulate(whole))[1:]
    lower.fill_between(days, fall, 0, color=ORANGE, alpha=0.6, linewidth=0)
    lower.set_ylabel("net fall, %")
    for axes in (upper, lower):
        axes.margins(x=0)
        concise_dates(axes)
    return as_png(figure)


def months_plot(table: pl.DataFrame) -> bytes:
    """Return a PNG of the net return of each month."""
    months = by_month(table)
    gained = months.filter(pl.col("net") > 0).height
    figure, axes = canvas(
        f"{gained} of {months.height} months gained after costs", height=3.0, grid="y"
    )
    at, net = np.arange(months.height), 100 * months["net"].to_numpy()
    axes.bar(at, net, color=[BLUE if it > 0 else ORANGE for it in net], width=0.7)
    axes.axhline(0, color=INK, linewidth=0.8)
    step = -(-months.height // 14)
    axes.set_xticks(at[::step], [f"{it:%Y-%m}" for it in months["month"]][::step])
    axes.set_ylabel("net, % of a side")
    return as_png(figure)


def rank_ic_path_plot(table: pl.DataFrame) -> bytes:
    """Return a PNG of the moving mean of the sessions' rank IC, with the days of retraining."""
    known = table.filter(pl.col("rank_ic").is_not_null())
    mean = known["rank_ic"].mean()
    shown = "–" if mean is None else f"{mean:+.3f}"
    figure, axes = canvas(
        f"Rank IC {shown}, the mean of {known.height} sessions", height=3.0, grid="y"
    )
    moving = known["rank_ic"].rolling_mean(SMOOTHED, min_samples=min(SMOOTHED, 5))
    axes.axhline(0, color=GREY, linewidth=1)
    axes.plot(known["session_date"].to_numpy(), moving.to_numpy(), color=BLUE, linewidth=1.6,
              label=f"mean of {SMOOTHED} sessions")  # fmt: skip
    retrained = table.filter("is_retrained")["session_date"].to_numpy()
    axes.plot(retrained, np.zeros(len(retrained)), "|", color=INK, markersize=9, label="retrained")
    axes.margins(x=0)
    axes.set_ylabel("rank IC")
    concise_dates(axes)
    legend(axes)
    return as_png(figure)


def by_month(table: pl.DataFrame) -> pl.DataFrame:
    """Return month, sessions, gross, cost and net of a backtest, a row a month."""
    return (
        table.group_by(month=pl.col("session_date").dt.truncate("1mo"))
        .agg(pl.len().alias("sessions"), pl.col("gross", "cost", "net").sum())
        .sort("month")
    )
