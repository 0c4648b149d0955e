"""Figures of signals: the strongest of a session, and one ticker's known and expected closes."""

from __future__ import annotations

from datetime import date

import plotly.graph_objects as go
import polars as pl

from apps.dashboard import theme
from apps.dashboard.theme import ABSTAIN, ACCENT, canvas, direction_colour, faint
from finpulse_assets.client import Answer


def strongest_figure(signals: pl.DataFrame) -> go.Figure:
    """Return the signals of a session as bars from one half, grey where the model abstains.

    Args:
        signals: ticker, target_session_date, probability_up, expected_return, abstains.
    """
    acted = signals.filter(~pl.col("abstains")).height
    day = signals["target_session_date"][0]
    title = (
        f"{acted} of the {signals.height} strongest signals for {day} may be acted on"
        if acted
        else f"The model abstains from all {signals.height} signals for {day}"
    )
    figure = canvas(title, x="P(up) minus 50 %, points", y="",
                    height=80 + 30 * signals.height)  # fmt: skip
    shown = signals.reverse()
    points = [100 * (p - 0.5) for p in shown["probability_up"]]
    rows = zip(shown["probability_up"], shown["abstains"], strict=True)
    figure.add_bar(
        x=points, y=shown["ticker"].to_list(), orientation="h",
        marker_color=[direction_colour(p >= 0.5, grey) for p, grey in rows],
        text=[f"{'up' if it >= 0 else 'down'} {50 + it:.0f} %" for it in points],
        textposition="auto", cliponaxis=False,
        customdata=[100 * it for it in shown["expected_return"]],
        hovertemplate="%{y}: P(up) %{text}, expected return %{customdata:.2f} %<extra></extra>",
    )  # fmt: skip
    figure.add_vline(x=0, line_color=ABSTAIN, line_width=1)
    return figure


def forecast_figure(
    ticker: str,
    closes: pl.DataFrame,
    said: dict[str, object] | None,
    band: dict[str, object],
    came: dict[str, object] | None = None,
) -> go.Figure:
    """Return the known closes, a dotted boundary, and the expected close with its band.

    Args:
        ticker: whose closes.
        closes: session_date, close (USD), ascending, at least one.
        said: target_session_date, probability_up, expected_return, abstains; None without a signal.
        band: lower and upper, to be added to the expected return, or null.
        came: close of the target session, where it is known.
    """
    last_day, last = closes["session_date"][-1], closes["close"][-1]
    figure = canvas(_title(ticker, last, said, came), x="session", y="close, USD", height=380)
    figure.add_scatter(
        x=closes["session_date"].to_list(), y=closes["close"].to_list(), mode="lines",
        line={"color": ACCENT, "width": 2}, name="known",
        hovertemplate="%{x|%Y-%m-%d}: %{y:.2f} USD<extra></extra>",
    )  # fmt: skip
    if said is None or said["expected_return"] is None:
        return figure
    _add_expected(figure, last_day, last, said, band)
    if came is not None:
        figure.add_scatter(
            x=[said["target_session_date"]], y=[came["close"]], mode="markers", name="came",
            marker={"color": ACCENT, "size": 12, "symbol": "diamond-open", "line": {"width": 3}},
            hovertemplate="came: %{y:.2f} USD<extra></extra>",
        )  # fmt: skip
    return figure


def _add_expected(figure: go.Figure, last_day: date, last: float, said: dict, band: dict) -> None:
    day = said["target_session_date"]
    colour = direction_colour(said["probability_up"] >= 0.5, said["abstains"])
    expected = last * (1 + said["expected_return"])
    if band["lower"] is not None:
        low, high = (last * (1 + said["expected_return"] + band[end]) for end in ("lower", "upper"))
        figure.add_scatter(
            x=[last_day, day, day, last_day], y=[last, high, low, last], fill="toself",
            fillcolor=faint(colour, 0.22), line={"width": 0}, name="90 % band", hoverinfo="skip",
            mode="lines",
        )  # fmt: skip
        figure.add_scatter(
            x=[day, day], y=[low, high], mode="markers", showlegend=False,
            marker={"color": colour, "size": 9, "symbol": "line-ew", "line": {"width": 2,
                    "color": colour}},
            hovertemplate="end of the band: %{y:.2f} USD<extra></extra>",
        )  # fmt: skip
    figure.add_scatter(
        x=[last_day, day], y=[last, expected], mode="lines+markers", name="expected",
        line={"color": colour, "width": 2, "dash": "dash"},
        marker={"color": colour, "size": [0, 11]},
        hovertemplate="expected: %{y:.2f} USD<extra></extra>",
    )  # fmt: skip
    figure.add_vline(x=last_day, line_dash="dot", line_color=theme.ABSTAIN, line_width=2)


def _title(ticker: str, last: float, said: dict | None, came: dict | None) -> str:
    if said is None or said["expected_return"] is None:
        return f"{ticker} closed at {last:.2f} USD; no signal goes further"
    expected, day = last * (1 + said["expected_return"]), said["target_session_date"]
    direction = "up" if said["probability_up"] >= 0.5 else "down"
    words = "the model abstains" if said["abstains"] else f"{direction} is expected"
    title = f"{ticker} for {day}: {words}, {last:.2f} to {expected:.2f} USD"
    return title if came is None else f"{title}; it closed at {came['close']:.2f}"


def change_figure(ticker: str, before: Answer, after: Answer) -> go.Figure:
    """Return the probability without and with a made-up text.

    Args:
        ticker: that was asked for.
        before: the service's answer without the text.
        after: that with it.
    """
    was, now = (100 * it.probability for it in (before, after))
    figure = canvas(
        f"The text moves P(up) of {ticker} by {now - was:+.1f} points, {was:.1f} to {now:.1f} %",
        x="probability of an up session, %", y="", height=190,
    )  # fmt: skip
    figure.add_bar(
        x=[now, was], y=["with the text", "without it"], orientation="h",
        marker_color=[direction_colour(it.probability >= 0.5, it.abstain)
                      for it in (after, before)],
        text=[f"{now:.1f} %", f"{was:.1f} %"], textposition="auto",
        hovertemplate="%{y}: %{x:.1f} %<extra></extra>",
    )  # fmt: skip
    figure.add_vline(x=50, line_color=ABSTAIN, line_width=1)
    figure.update_xaxes(range=[0, 100])
    return figure
