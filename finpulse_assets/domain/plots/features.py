"""Small plots of the feature families: what their values look like on a real ticker."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from finpulse_assets.domain.features.feature import Feature
from finpulse_assets.domain.plots.style import BLUE, INK, as_png, concise_dates, small_panels

SHOWN, COLUMNS = 6, 3
SESSIONS = 250


def family_plot(features: pl.DataFrame, family: Sequence[Feature], ticker: str) -> bytes:
    """Return a PNG of up to six features of a family for one ticker, its last 250 sessions.

    Args:
        features: one row per ticker and session: ticker, session_date and the features.
        family: features of one family, of which an even choice is shown.
        ticker: whose rows are drawn.
    """
    rows = features.filter(pl.col("ticker") == ticker).sort("session_date").tail(SESSIONS)
    known = [it for it in family if rows[it.name].drop_nulls().len()]
    step = max(len(known) / SHOWN, 1.0)
    shown = [known[int(at * step)] for at in range(min(SHOWN, len(known)))]
    lines = -(-max(len(shown), 1) // COLUMNS)
    figure, panels = small_panels(lines, COLUMNS, height=1.5 * lines + 0.3)
    days = rows["session_date"].to_numpy()
    for axes, feature in zip(panels, shown, strict=False):
        values = rows[feature.name].cast(pl.Float64).fill_null(np.nan).to_numpy()
        is_rare = np.isnan(values).mean() > 0.3
        axes.plot(days, values, color=BLUE, linewidth=0.9, marker="." if is_rare else "",
                  markersize=2.5)  # fmt: skip
        concise_dates(axes, most=5)
        axes.set_title(f"{feature.name} [{feature.unit}]", fontsize=8, color=INK, loc="left")
    for axes in panels[len(shown) :]:
        axes.set_visible(False)
    return as_png(figure)
