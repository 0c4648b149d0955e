"""Figures of what changes over sessions: sentiment, volume, quality, drift, a family."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from apps.dashboard.theme import (
    ABSTAIN,
    ACCENT,
    DOWN,
    KINDS,
    SECOND,
    SERIES,
    UP,
    canvas,
    faint,
)

DAY = "%{x|%Y-%m-%d}: "
FEW = 5  # counts up to here have a tick each
FEW_BARS = 8  # fewer are not drawn wider
DASHES = ("solid", "dot", "dash", "dashdot")


def sentiment_figure(ticker: str, timeline: pl.DataFrame) -> go.Figure:
    """Return mean scores by session, a colour a kind and a dash a source.

    Args:
        timeline: session_date, kind, source, sentiment_mean (-1 to 1), text_count.
    """
    texts = timeline["text_count"].sum()
    mean = (timeline["sentiment_mean"] * timeline["text_count"]).sum() / max(texts, 1)
    tone = "positive" if mean > 0.02 else "negative" if mean < -0.02 else "balanced"
    title = f"{texts:,} texts about {ticker}, {tone} on the whole: mean score {mean:+.2f}"
    figure = canvas(title, x="session", y="mean score, -1 to 1", height=340)
    sources = timeline["source"].unique().sort().to_list()
    for (kind, source), rows in timeline.group_by("kind", "source", maintain_order=True):
        figure.add_scatter(
            x=rows["session_date"].to_list(), y=rows["sentiment_mean"].to_list(),
            name=f"{kind}s, {source}", mode="lines+markers",
            line={"color": faint(KINDS[kind], 0.45), "width": 1,
                  "dash": DASHES[sources.index(source) % len(DASHES)]},
            marker={"size": 6, "color": KINDS[kind]}, customdata=rows["text_count"].to_list(),
            hovertemplate=DAY + "%{y:+.2f} of %{customdata} texts<extra></extra>",
        )  # fmt: skip
    figure.add_hline(y=0, line_color=ABSTAIN, line_width=1)
    figure.update_yaxes(range=[-1.05, 1.05])
    return figure


def text_volume_figure(ticker: str, timeline: pl.DataFrame) -> go.Figure:
    """Return texts by session as bars, a colour a kind; columns as for `sentiment_figure`."""
    by_day = timeline.group_by("session_date").agg(pl.col("text_count").sum())
    busiest = by_day.sort("text_count", descending=True).row(0)
    figure = canvas(f"{ticker} was written about most for {busiest[0]}: {busiest[1]:,} texts",
                    x="session", y="texts", height=240)  # fmt: skip
    figure.update_layout(barmode="stack")
    if busiest[1] <= FEW:
        figure.update_yaxes(dtick=1)
    for kind in timeline["kind"].unique().sort():
        rows = timeline.filter(kind=kind).group_by("session_date", maintain_order=True).agg(
            pl.col("text_count").sum())  # fmt: skip
        figure.add_bar(
            x=rows["session_date"].to_list(), y=rows["text_count"].to_list(), name=f"{kind}s",
            marker_color=KINDS[kind], hovertemplate=DAY + "%{y} texts<extra></extra>",
        )  # fmt: skip
    return figure


def disagreement_figure(ticker: str, rows: pl.DataFrame) -> go.Figure:
    """Return how far texts contradict each other, 0 to 1, by session.

    Args:
        rows: session_date, sentiment_disagreement.
    """
    split = (rows["sentiment_disagreement"] > 0.9).mean() or 0.0
    figure = canvas(
        f"Opinions on {ticker} are nearly even in {split:.0%} of the sessions with texts",
        x="session", y="disagreement, 0 to 1", height=240,
    )  # fmt: skip
    figure.add_scatter(
        x=rows["session_date"].to_list(), y=rows["sentiment_disagreement"].to_list(),
        mode="markers", marker={"color": SECOND, "size": 6},
        hovertemplate=DAY + "%{y:.2f}<extra></extra>",
    )  # fmt: skip
    figure.update_yaxes(range=[-0.05, 1.05])
    return figure


def market_volume_figure(rows: pl.DataFrame) -> go.Figure:
    """Return tweets and headlines of all tickers by session.

    Args:
        rows: session_date, tweet_count, headline_count.
    """
    mean = rows["tweet_count"].mean()
    figure = canvas(f"{mean:,.0f} tweets a session on average, the busiest "
                    f"{rows['tweet_count'].max():,}", x="session", y="texts",
                    height=260)  # fmt: skip
    figure.update_layout(barmode="stack")
    for name, colour in (("tweet_count", KINDS["tweet"]), ("headline_count", KINDS["headline"])):
        figure.add_bar(
            x=rows["session_date"].to_list(), y=rows[name].to_list(), marker_color=colour,
            name=f"{name.split('_')[0]}s", hovertemplate=DAY + "%{y:,}<extra></extra>",
        )  # fmt: skip
    return figure


def polarity_figure(rows: pl.DataFrame) -> go.Figure:
    """Return the mean score of all texts by session.

    Args:
        rows: session_date, polarity (-1 to 1).
    """
    share = (rows["polarity"] > 0).mean() or 0.0
    figure = canvas(f"Texts lean positive in {share:.0%} of {rows.height} sessions", x="session",
                    y="mean score, -1 to 1", height=260)  # fmt: skip
    figure.add_bar(
        x=rows["session_date"].to_list(), y=rows["polarity"].to_list(),
        marker_color=[UP if it >= 0 else DOWN for it in rows["polarity"]],
        hovertemplate=DAY + "%{y:+.3f}<extra></extra>",
    )  # fmt: skip
    return figure


def family_figure(family: str, rows: pl.DataFrame, units: dict[str, str], whose: str) -> go.Figure:
    """Return small panels, one for each feature, over sessions.

    Args:
        family: name of the family.
        rows: session_date and the features.
        units: of each feature.
        whose: a ticker, or the words for all of them.
    """
    names = [name for name in rows.columns if name != "session_date"]
    figure = make_subplots(
        rows=len(names), cols=1, shared_xaxes=True, vertical_spacing=0.25 / max(len(names), 1),
        subplot_titles=[f"{name}, {units.get(name) or 'number'}" for name in names],
    )  # fmt: skip
    bare = canvas(f"The family {family}, {whose}, over {rows.height} sessions", x="", y="",
                  height=60 + 150 * len(names))  # fmt: skip
    figure.update_layout(bare.layout, showlegend=False)
    for at, name in enumerate(names, start=1):
        figure.add_scatter(
            x=rows["session_date"].to_list(), y=rows[name].to_list(), row=at, col=1, mode="lines",
            line={"color": ACCENT, "width": 1.4}, connectgaps=False,
            hovertemplate=DAY + "%{y:.4g}<extra></extra>",
        )  # fmt: skip
    for note in figure.layout.annotations:
        note.update(x=0, xanchor="left", font_size=12)
    figure.update_yaxes(title_text="")
    figure.update_xaxes(title_text="", row=1)
    figure.update_xaxes(title_text="session", row=len(names))
    return figure


def limit_figure(
    rows: pl.DataFrame, column: str, limit: str, *, title: str, y: str, scale: float = 1.0
) -> go.Figure:
    """Return a measure by session beside its limit; what passes it is marked.

    Args:
        rows: session_date, the measure, its limit, is_drifted.
        column: the measure.
        limit: the column of the limit.
        title: what is to be seen.
        y: the vertical axis with its unit.
        scale: by which both are multiplied.
    """
    figure = canvas(title, x="session", y=y, height=260)
    _few_days(figure, rows["session_date"])
    days = rows["session_date"].to_list()
    figure.add_scatter(
        x=days, y=[None if it is None else scale * it for it in rows[column]], name="measured",
        mode="lines+markers", line={"color": ACCENT},
        marker={"size": 8, "color": [DOWN if it else ACCENT for it in rows["is_drifted"]]},
        hovertemplate=DAY + "%{y:.3g}<extra></extra>",
    )  # fmt: skip
    figure.add_scatter(
        x=days, y=[None if it is None else scale * it for it in rows[limit]], name="limit",
        mode="lines" if rows.height > 1 else "markers",
        line={"color": ABSTAIN, "dash": "dot"},
        marker={"symbol": "line-ew-open", "size": 24, "color": ABSTAIN},
        hovertemplate="limit %{y:.3g}<extra></extra>",
    )  # fmt: skip
    return figure


def _few_days(figure: go.Figure, days: pl.Series) -> None:
    """Keep the axis of a few days from ticks by the millisecond."""
    if days.dtype == pl.Date and days.n_unique() <= FEW:
        around = [days.min() - timedelta(days=3), days.max() + timedelta(days=3)]
        ticks = days.unique().sort().to_list()
        figure.update_xaxes(range=around, tickvals=ticks, tickformat="%Y-%m-%d")


def predicted_figure(rows: pl.DataFrame) -> go.Figure:
    """Return the champion's probabilities by session: mean, and where 80 % of them lie.

    Args:
        rows: session_date, mean_probability, low, high.
    """
    width = 100 * (rows["high"] - rows["low"]).mean()
    figure = canvas(f"80 % of a session's predictions lie within {width:.0f} points of each other",
                    x="session", y="probability of an up session, %", height=280)  # fmt: skip
    days = rows["session_date"].to_list()
    for name, fill in (("high", None), ("low", "tonexty")):
        figure.add_scatter(x=days, y=(100 * rows[name]).to_list(), mode="lines", fill=fill,
                           line={"width": 0}, fillcolor=faint(ACCENT), showlegend=False,
                           hoverinfo="skip")  # fmt: skip
    figure.add_scatter(
        x=days, y=(100 * rows["mean_probability"]).to_list(), mode="lines", name="mean",
        line={"color": ACCENT}, hovertemplate=DAY + "%{y:.1f} %<extra></extra>",
    )  # fmt: skip
    figure.add_hline(y=50, line_color=ABSTAIN, line_width=1)
    return figure


def live_figure(metric: str, unit: str, rows: pl.DataFrame) -> go.Figure:
    """Return a metric of the live record by the session of its judgement, with its interval.

    Args:
        metric: its name.
        unit: its words and unit.
        rows: session_date, predictor, value, lower, upper, session_count.
    """
    own = rows.filter(predictor="champion")
    last = own.row(-1, named=True) if own.height else None
    title = f"No live {metric} is known yet"
    if last:
        interval = "" if last["lower"] is None else f" [{last['lower']:.3f}, {last['upper']:.3f}]"
        title = f"Live {metric} {last['value']:.3f}{interval} over {last['session_count']} sessions"
    figure = canvas(title, x="last judged session", y=unit, height=320)
    _few_days(figure, rows["session_date"])
    whiskers = own.filter(pl.col("lower").is_not_null())
    if whiskers.height > 1:
        figure.add_scatter(
            x=[*whiskers["session_date"], *whiskers["session_date"].reverse()],
            y=[*whiskers["upper"], *whiskers["lower"].reverse()], fill="toself",
            name="95 % interval",
            fillcolor=faint(ACCENT), line={"width": 0}, hoverinfo="skip", mode="lines",
        )  # fmt: skip
    for at, name in enumerate(rows["predictor"].unique().sort().to_list()):
        line = rows.filter(predictor=name)
        colour = ACCENT if name == "champion" else SERIES[1 + at % 3]
        figure.add_scatter(
            x=line["session_date"].to_list(), y=line["value"].to_list(), name=name,
            mode="lines+markers", line={"color": colour},
            hovertemplate=DAY + "%{y:.3f}<extra></extra>",
        )  # fmt: skip
    return figure


def stacked_figure(
    rows: pl.DataFrame, x: str, columns: Sequence[tuple[str, str, str]], *, title: str, y: str,
    axis: str,
) -> go.Figure:  # fmt: skip
    """Return counts as stacked bars.

    Args:
        rows: the column `x` and the counts.
        x: what the bars stand over.
        columns: of each count its column, its words and its colour.
        title: what is to be seen.
        y: the vertical axis with its unit.
        axis: the horizontal one.
    """
    figure = canvas(title, x=axis, y=y, height=260)
    figure.update_layout(barmode="stack")
    if rows.schema[x] == pl.String:
        figure.update_xaxes(type="category")
    figure.update_layout(bargap=max(0.25, 1 - rows[x].n_unique() / FEW_BARS))
    _few_days(figure, rows[x])
    for column, words, colour in columns:
        figure.add_bar(x=rows[x].to_list(), y=rows[column].to_list(), name=words,
                       marker_color=colour,
                       hovertemplate="%{x}: %{y:,}<extra></extra>")  # fmt: skip
    return figure
