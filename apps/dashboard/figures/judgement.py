"""Figures that judge: scores with intervals, calibration, importance, drift, missing, coverage."""

from __future__ import annotations

from datetime import timedelta

import plotly.graph_objects as go
import polars as pl

from apps.dashboard.theme import ABSTAIN, ACCENT, DOWN, SECOND, THIRD, canvas, faint
from finpulse_assets.domain.models.calibration import Calibration
from finpulse_assets.domain.models.registry import label_of

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri")


def intervals_figure(
    rows: pl.DataFrame, name: str, *, title: str, x: str, own: str | None = None, mark: float = 0.0
) -> go.Figure:
    """Return values with their intervals, one a line, the first on top.

    Args:
        rows: the column `name`, value, lower, upper.
        name: what the lines are called by.
        title: what is to be seen.
        x: the horizontal axis with its unit.
        own: the line that is told apart by colour.
        mark: where a vertical line stands.
    """
    shown = rows.reverse()
    figure = canvas(title, x=x, y="", height=110 + 30 * rows.height)
    ends = shown.select(
        above=(pl.col("upper") - pl.col("value")).fill_null(0.0),
        below=(pl.col("value") - pl.col("lower")).fill_null(0.0),
    )
    figure.add_scatter(
        x=shown["value"].to_list(), y=[label_of(it) for it in shown[name]], mode="markers",
        marker={"size": 10, "color": [ACCENT if it in (own, None) else ABSTAIN for it in
                                      (shown[name] if own else [None] * shown.height)]},
        error_x={"type": "data", "array": ends["above"].to_list(), "thickness": 1.6,
                 "arrayminus": ends["below"].to_list(), "color": ABSTAIN},
        hovertemplate="%{y}: %{x:.4f}<extra></extra>",
    )  # fmt: skip
    figure.add_vline(x=mark, line_dash="dot", line_color=ABSTAIN, line_width=1)
    return figure


def correlation_figure(rows: pl.DataFrame) -> go.Figure:
    """Return rank correlations with the next return, and how far chance alone would reach.

    Args:
        rows: feature, mean, lower, upper, chance, session_count.
    """
    beyond = rows.filter(pl.col("mean").abs() > pl.col("chance")).height
    title = f"{beyond} of {rows.height} go beyond what chance alone would show (grey)"
    named = rows.rename({"mean": "value"})
    figure = intervals_figure(
        named, "feature", title=title, x="mean rank correlation with the next session's return"
    )
    shown = rows.reverse()
    figure.add_bar(
        x=(2 * shown["chance"]).to_list(), y=shown["feature"].to_list(), orientation="h",
        base=(-shown["chance"]).to_list(), marker_color=faint(ABSTAIN, 0.3), name="chance alone",
        hovertemplate="by chance up to ±%{customdata:.3f}<extra></extra>",
        customdata=shown["chance"].to_list(),
    )  # fmt: skip
    figure.update_layout(showlegend=False)
    return figure


def pair_figure(
    points: pl.DataFrame, means: pl.DataFrame, x: str, y: str, units: dict[str, str]
) -> go.Figure:
    """Return two columns against each other: some rows as points, the mean of all by twentieths.

    Args:
        points: ticker, session_date, x, y.
        means: x, y, error, row_count, correlation.
        x: the column below, `y` that beside.
        units: of both.
    """
    count, correlation = means["row_count"].sum(), means["correlation"][0]
    found = "unknown" if correlation is None else f"{correlation:+.3f}"
    figure = canvas(f"Correlation {found} over {count:,} rows; line: mean in twentieths",
                    x=f"{x}, {units.get(x) or 'number'}", y=f"{y}, {units.get(y) or 'number'}",
                    height=420)  # fmt: skip
    labels = [f"{t} {d}" for t, d in points.select("ticker", "session_date").iter_rows()]
    figure.add_scattergl(
        x=points["x"].to_list(), y=points["y"].to_list(), mode="markers", name="rows",
        marker={"size": 4, "color": faint(ACCENT, 0.35)}, text=labels,
        hovertemplate="%{text}: %{x:.4g}, %{y:.4g}<extra></extra>",
    )  # fmt: skip
    figure.add_scatter(
        x=means["x"].to_list(), y=means["y"].to_list(), mode="lines+markers", name="mean",
        line={"color": THIRD, "width": 2},
        error_y={"type": "data", "array": (1.96 * means["error"].fill_null(0)).to_list(),
                 "color": THIRD, "thickness": 1.2},
        hovertemplate="mean %{y:.4g} at %{x:.4g}<extra></extra>",
    )  # fmt: skip
    return figure


def calibration_figure(calibration: Calibration) -> go.Figure:
    """Return the observed share of up sessions against the predicted probability, with bounds."""
    bins = calibration.bins
    weights = sum(it.row_count for it in bins)
    miss = sum(abs(it.mean_probability - it.up_rate) * it.row_count for it in bins) / weights
    figure = canvas(
        f"Probabilities miss the observed share by {100 * miss:.1f} points on average",
        x="predicted probability of an up session, %", y="sessions that closed up, %", height=360,
    )  # fmt: skip
    said = [100 * it.mean_probability for it in bins]
    came = [100 * it.up_rate for it in bins]
    ends = [min(said), max(said)]
    figure.add_scatter(x=ends, y=ends, mode="lines", name="perfect",
                       line={"color": ABSTAIN, "dash": "dot"}, hoverinfo="skip")  # fmt: skip
    figure.add_scatter(
        x=said, y=came, mode="markers", name=f"tenths, {calibration.level:.0%} interval",
        marker={"size": 10, "color": ACCENT}, customdata=[it.row_count for it in bins],
        error_y={"type": "data", "color": ABSTAIN, "thickness": 1.6,
                 "array": [100 * (it.upper - it.up_rate) for it in bins],
                 "arrayminus": [100 * (it.up_rate - it.lower) for it in bins]},
        hovertemplate="said %{x:.1f} %, came %{y:.1f} %, %{customdata:,} rows<extra></extra>",
    )  # fmt: skip
    return figure


def importance_figure(rows: pl.DataFrame, text_share: float) -> go.Figure:
    """Return the champion's inputs by share of the gain, with the range over the folds' fits.

    Args:
        rows: feature, gain_share, is_text, lowest_share, highest_share (null without fits of
            folds), the largest first.
        text_share: of all text inputs together.
    """
    figure = canvas(f"Text inputs carry {text_share:.0%} of the model's gain",
                    x="share of the total gain, %", y="", height=90 + 22 * rows.height)  # fmt: skip
    for is_text, colour, words in ((True, THIRD, "texts"), (False, ACCENT, "prices and volume")):
        part = rows.filter(pl.col("is_text") == is_text)
        figure.add_bar(x=(100 * part["gain_share"]).to_list(), y=part["feature"].to_list(),
                       orientation="h", marker_color=faint(colour, 0.6), name=words,
                       hovertemplate="%{y}: %{x:.1f} %<extra></extra>")  # fmt: skip
    ranges = rows.drop_nulls("lowest_share").with_columns(
        half=50 * (pl.col("highest_share") - pl.col("lowest_share")),
        middle=50 * (pl.col("highest_share") + pl.col("lowest_share")),
    )
    if not ranges.is_empty():
        figure.add_scatter(
            x=ranges["middle"].to_list(), y=ranges["feature"].to_list(), mode="markers",
            marker={"size": 12, "color": DOWN, "symbol": "line-ew-open"},
            name="lowest to highest of the folds",
            error_x={"type": "data", "array": ranges["half"].to_list(), "color": DOWN,
                     "thickness": 1.6, "width": 3},
            customdata=ranges.select(pl.col("lowest_share", "highest_share", "top_share") * 100
                                     ).rows(),
            hovertemplate="%{y}: %{customdata[0]:.1f} to %{customdata[1]:.1f} %, among the first "
            "in %{customdata[2]:.0f} % of the folds<extra></extra>",
        )  # fmt: skip
    order = rows["feature"].reverse().to_list()
    figure.update_yaxes(categoryorder="array", categoryarray=order, tickfont_size=11)
    return figure


def drift_figure(rows: pl.DataFrame) -> go.Figure:
    """Return the inputs that moved most, each as a multiple of its own limit.

    Args:
        rows: feature, times_the_limit, is_drifted, session_date; the furthest first.
    """
    drifted = int(rows["is_drifted"].sum())
    known = rows.filter(pl.col("times_the_limit").is_not_null())
    title = (
        f"{drifted} of these inputs have drifted by {rows['session_date'][0]}"
        if drifted
        else f"No input had drifted by {rows['session_date'][0]}; these moved most"
    )
    figure = canvas(title, x="PSI / its limit", y="",
                    height=90 + 22 * known.height)  # fmt: skip
    shown = known.reverse()
    figure.add_bar(
        x=shown["times_the_limit"].to_list(), y=shown["feature"].to_list(), orientation="h",
        marker_color=[DOWN if it else ACCENT for it in shown["is_drifted"]],
        hovertemplate="%{y}: %{x:.2f} times its limit<extra></extra>",
    )  # fmt: skip
    figure.add_vline(x=1, line_dash="dot", line_color=ABSTAIN, line_width=2)
    figure.update_yaxes(tickfont_size=11)
    return figure


def profile_figure(rows: pl.DataFrame, *, top: int = 20) -> go.Figure:
    """Return missing and outlying values by feature, the worst on top.

    Args:
        rows: feature, missing_share, outlier_share (0 to 1), the worst first.
        top: features shown.
    """
    missing = rows.filter(pl.col("missing_share") > 0).height
    shown = rows.head(top).reverse()
    title = f"{missing} of {rows.height} features lack values somewhere; the worst {shown.height}"
    figure = canvas(title, x="share of rows past the warm-up, %", y="",
                    height=90 + 22 * shown.height)  # fmt: skip
    figure.update_layout(barmode="stack")
    beyond = ("outlier_share", "beyond 5 robust deviations", SECOND)
    for column, words, colour in (("missing_share", "missing", DOWN), beyond):
        figure.add_bar(x=(100 * shown[column]).to_list(), y=shown["feature"].to_list(), name=words,
                       orientation="h", marker_color=colour,
                       hovertemplate="%{y}: %{x:.2f} %<extra></extra>")  # fmt: skip
    figure.update_yaxes(tickfont_size=11)
    return figure


def calendar_figure(rows: pl.DataFrame, what: str) -> go.Figure:
    """Return rows by session as a calendar: a column a week, a line a weekday.

    Args:
        rows: session_date, row_count, ascending.
        what: which rows of which source.
    """
    empty = rows.filter(row_count=0).height
    title = f"{what}: " + (f"{empty} of {rows.height} sessions have no row" if empty
                           else f"every one of {rows.height} sessions has rows")  # fmt: skip
    weeks = [day - timedelta(days=day.weekday()) for day in rows["session_date"]]
    figure = canvas(title, x="week", y="", height=230)
    figure.add_heatmap(
        x=weeks, y=[WEEKDAYS[day.weekday()] for day in rows["session_date"]],
        z=rows["row_count"].to_list(), xgap=2, ygap=2, zmin=0, zmax=max(rows["row_count"].max(), 1),
        colorscale=[[0, DOWN], [1e-6, faint(ACCENT, 0.2)], [1, ACCENT]],
        colorbar={"title": "rows", "thickness": 10},
        text=[str(day) for day in rows["session_date"]],
        hovertemplate="%{text}: %{z:,} rows<extra></extra>",
    )  # fmt: skip
    figure.update_yaxes(categoryorder="array", categoryarray=WEEKDAYS[::-1])
    return figure
