"""Colours and the bare figure: one look for every page, legible on a light and a dark ground."""

from __future__ import annotations

from textwrap import wrap

import plotly.graph_objects as go

# Up and down can be told apart without red and green.
UP, DOWN, ABSTAIN = "#1b9e77", "#d9722b", "#8a97a3"
ACCENT, SECOND, THIRD = "#3d85c8", "#b07aa1", "#c9a227"
NARROW = 18  # characters of an axis title that a phone shows in a line
KINDS = {"tweet": ACCENT, "headline": THIRD}
SERIES = (ACCENT, THIRD, SECOND, ABSTAIN, DOWN)


def faint(colour: str, share: float = 0.18) -> str:
    """Return a colour with that opacity, 0 to 1.

    >>> faint("#1b9e77", 0.5)
    'rgba(27,158,119,0.5)'
    """
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},{share})"


def canvas(title: str, *, x: str, y: str, height: int = 320) -> go.Figure:
    """Return an empty figure in the house style.

    Args:
        title: what is to be seen, a sentence.
        x: what the horizontal axis is, with its unit.
        y: what the vertical axis is, with its unit.
        height: pixels.
    """
    figure = go.Figure()
    figure.update_layout(
        title_text=title,
        height=height,
        margin={"l": 8, "r": 8, "t": 28, "b": 8},
        hovermode="closest",
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        legend={"orientation": "h", "x": 0, "y": 1.0, "xanchor": "left", "yanchor": "bottom"},
        bargap=0.25,
    )
    figure.update_xaxes(title_text="<br>".join(wrap(x, NARROW)), automargin=True)
    figure.update_yaxes(title_text=y, automargin=True)
    return figure


def direction_colour(is_up: bool, abstains: bool) -> str:
    """Return the colour of a prediction: grey where the model abstains."""
    return ABSTAIN if abstains else UP if is_up else DOWN
