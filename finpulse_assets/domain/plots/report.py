"""The plots of an analyst's report: what was known, what is expected, what was written."""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from finpulse_assets.domain.plots import style
from finpulse_assets.domain.reporting.facts import OUTCOME, Facts

SHOWN_SESSIONS = 60
MARGIN = timedelta(hours=1)
UP, DOWN = style.BLUE, style.ORANGE


def closes_plot(closes: pl.DataFrame, facts: Facts) -> bytes:
    """Return the last closes (USD) and the expected one after a dotted line, as PNG.

    It is coloured by its direction, and grey where nothing is proven or the signal abstains.

    Args:
        closes: session_date, close, ascending.
        facts: of the report.
    """
    shown = closes.tail(SHOWN_SESSIONS)
    days, values = shown["session_date"].to_list(), shown["close"].to_list()
    figure, axes = style.canvas(
        f"{facts.ticker}: closes, and the close that is expected", height=3.2, grid="y"
    )
    at = list(range(len(days)))
    axes.plot(at, values, color=style.INK, linewidth=1.4, label="close")
    expected, came = facts.get("expected_return"), facts.get(OUTCOME)
    if at and expected is not None:
        axes.axvline(at[-1] + 0.5, color=style.GREY, linestyle=":", linewidth=1)
        colour = (UP if facts.direction == "up" else DOWN) if facts.skills else style.GREY
        if facts.abstains:
            colour = style.GREY
        axes.scatter([at[-1] + 1], [values[-1] * (1 + expected.value)], color=colour, zorder=3,
                     label="expected, from open to close")  # fmt: skip
        if came is not None:
            axes.scatter([at[-1] + 1], [values[-1] * (1 + came.value)], marker="x",
                         color=style.INK, zorder=4, label="came")  # fmt: skip
    ticks = at[:: max(1, len(at) // 6)]
    axes.set_xticks(ticks, [f"{days[it]:%d %b %Y}" for it in ticks])
    axes.set_ylabel("USD")
    style.legend(axes)
    return style.as_png(figure)


def texts_plot(texts: pl.DataFrame, facts: Facts) -> bytes:
    """Return the sentiment of each text that counts for the session over its time, as PNG.

    Args:
        texts: knowledge_time, kind, score.
        facts: of the report.
    """
    figure, axes = style.canvas(
        f"{facts.ticker}: sentiment of the texts that count for the session", height=2.6, grid="y"
    )
    for (kind,), rows in sorted(texts.drop_nulls("score").group_by("kind")):
        colour = style.BLUE if kind == "tweets" else style.ORANGE
        axes.scatter(rows["knowledge_time"].to_list(), rows["score"].to_list(), s=18, alpha=0.8,
                     color=colour, label=kind)  # fmt: skip
    axes.axhline(0, color=style.GREY, linewidth=0.8)
    axes.set_ylim(-1.05, 1.05)
    axes.set_ylabel("-1 bad, 1 good")
    axes.set_xlabel("known at, UTC")
    times = texts["knowledge_time"].to_list()
    if times:  # one text alone has no span
        axes.set_xlim(min(times) - MARGIN, max(times) + MARGIN)
        style.concise_dates(axes)
    if not texts.drop_nulls("score").is_empty():
        style.legend(axes)
    return style.as_png(figure)
