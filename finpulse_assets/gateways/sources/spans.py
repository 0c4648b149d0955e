"""Spans of time: what of a window was answered already, and what is left to ask for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from finpulse_assets.gateways.sources.answers import Span

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def missing(window: Span, answered: Iterable[Span], overlap: timedelta) -> list[Span]:
    """Return the parts of a window that were not answered, ascending.

    Each begins earlier by `overlap` where something was answered before it: what a vendor showed
    late is asked for once more. The overlap never leaves the window.

    >>> from datetime import UTC, datetime
    >>> day = lambda n: datetime(2026, 1, n, tzinfo=UTC)
    >>> left = missing((day(1), day(9)), [(day(2), day(4))], timedelta(hours=1))
    >>> [(a.isoformat(), b.day) for a, b in left]
    [('2026-01-01T00:00:00+00:00', 2), ('2026-01-03T23:00:00+00:00', 9)]
    """
    start, end = window
    left, at = [], start
    for first, until in sorted(answered):
        if first > at:
            left.append((at, min(first, end)))
        at = max(at, until)
        if at >= end:
            break
    if at < end:
        left.append((at, end))
    return [(max(start, a - overlap) if a > start else a, b) for a, b in left if a < b]


def pieces(span: Span, at_once: timedelta | None, grid: timedelta | None = None) -> Iterator[Span]:
    """Yield a span in parts that are no longer than `at_once`, ascending.

    With a grid the first part begins on it, before the span, and a last part that is not whole is
    left for later.
    """
    start, end = span
    if grid is not None:
        start, end = _on_grid(start, grid), _on_grid(end, grid)
    while start < end:
        until = end if at_once is None else min(end, start + at_once)
        yield start, until
        start = until


def halves(span: Span) -> tuple[Span, Span]:
    """Return both halves of a span, cut at a whole second."""
    start, end = span
    middle = (start + (end - start) / 2).replace(microsecond=0)
    return (start, middle), (middle, end)


def _on_grid(moment: datetime, grid: timedelta) -> datetime:
    return moment - (moment - _EPOCH) % grid
