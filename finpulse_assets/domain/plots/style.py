"""The house style of pictures: colours, canvases, PNG bytes."""

from __future__ import annotations

from io import BytesIO
from typing import Any

INK, GREY, PALE = "#22303c", "#8a97a3", "#d5dce2"
BLUE, ORANGE = "#1f6fb2", "#d9822b"


def canvas(
    title: str, *, height: float, grid: str = "x", ratios: tuple[int, ...] = (1,)
) -> tuple[Any, Any]:
    """Return an empty figure in the house style and its axes (a tuple if there are several)."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, height), dpi=120, layout="constrained", facecolor="white")
    panels = figure.subplots(len(ratios), 1, squeeze=False, height_ratios=ratios)[:, 0]
    for axes in panels:
        _style(axes, grid=grid)
    figure.suptitle(title, x=0.01, ha="left", fontsize=12, fontweight="bold", color=INK)
    return figure, panels[0] if len(ratios) == 1 else tuple(panels)


def small_panels(lines: int, columns: int, *, height: float) -> tuple[Any, list[Any]]:
    """Return an empty figure of small panels in the house style, and their axes line by line."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, height), dpi=90, layout="constrained", facecolor="white")
    panels = list(figure.subplots(lines, columns, squeeze=False).ravel())
    for axes in panels:
        _style(axes, grid="y", size=7)
    return figure, panels


def _style(axes: Any, *, grid: str, size: int = 9) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(GREY)
    axes.tick_params(colors=INK, labelsize=size)
    axes.xaxis.label.set(color=INK, fontsize=size)
    axes.yaxis.label.set(color=INK, fontsize=size)
    axes.grid(axis=grid, color=PALE, linewidth=0.6)
    axes.set_axisbelow(True)


def legend(axes: Any, *, place: str = "best") -> None:
    """Put a plain legend on the axes."""
    axes.legend(loc=place, frameon=False, fontsize=9, labelcolor=INK)


def concise_dates(axes: Any, *, most: int = 9) -> None:
    """Label a time axis with at most so many short dates."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(maxticks=most)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))


def as_png(figure: Any) -> bytes:
    """Return the figure as PNG bytes, equal for equal pictures."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    FigureCanvasAgg(figure)
    buffer = BytesIO()
    # Without a fixed Software entry, equal pictures would differ in bytes between versions.
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
