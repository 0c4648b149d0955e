"""Pictures of the sentiment models, as PNG bytes."""

from __future__ import annotations

import polars as pl

from finpulse_assets.domain.plots.style import BLUE, INK, as_png, small_panels

METRIC = "weighted_f1"


def leaderboard_plot(table: pl.DataFrame) -> bytes:
    """Return a PNG of every model's weighted F1 with its interval, a panel for each labelled set.

    Args:
        table: `schemas.SENTIMENT_LEADERBOARD`.
    """
    shown = table.filter(metric=METRIC)
    models = shown.group_by("model").agg(pl.col("value").mean()).sort("value")["model"].to_list()
    sets = shown["labelled_set"].unique().sort().to_list()
    figure, panels = small_panels(1, len(sets), height=0.45 * len(models) + 1.2)
    for axes, name in zip(panels, sets, strict=True):
        rows = {row["model"]: row for row in shown.filter(labelled_set=name).to_dicts()}
        for at, model in enumerate(models):
            row = rows[model]
            axes.plot([row["lower"], row["upper"]], [at, at], color=BLUE, linewidth=2.2)
            axes.plot(row["value"], at, "o", color=BLUE, markersize=6)
            axes.annotate(f"{row['value']:.3f}", (row["value"], at), (0, 6), color=INK, fontsize=7,
                          textcoords="offset points", ha="center")  # fmt: skip
        is_first = axes is panels[0]
        axes.set_yticks(range(len(models)), models if is_first else [""] * len(models))
        axes.set_ylim(-0.5, len(models) - 0.3)
        texts = shown.filter(labelled_set=name)["row_count"][0]
        axes.set_title(f"{name}, {texts} texts", fontsize=8, color=INK, loc="left")
    figure.supxlabel("weighted F1 on the dev part, 95 % interval", fontsize=8, color=INK)
    return as_png(figure)
