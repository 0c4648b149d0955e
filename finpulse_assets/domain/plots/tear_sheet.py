"""The tear sheet of a backtest: one HTML page without any file or address beside it."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from html import escape

import polars as pl

from finpulse_assets.domain.evaluation.backtest import BacktestSummary
from finpulse_assets.domain.evaluation.promotion import Promotion
from finpulse_assets.domain.plots.backtest import by_month

LIMITS = (
    "A fill is taken to be at the open and at the close of the next session, at any size.",
    "Short sales are taken to be possible in every ticker, and to cost no fee.",
    "The texts are scored by the sentiment model of today, and the settings are those of today: "
    "whoever chose them may have seen these sessions.",
    "Tickers that the home does not hold are missing; a list that was made later is one of "
    "survivors.",
)
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #22303c; max-width: 60rem; margin: 2rem auto;
       padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
table { border-collapse: collapse; } img { max-width: 100%; }
td, th { padding: .2rem .8rem .2rem 0; text-align: left; vertical-align: top;
         border-bottom: 1px solid #d5dce2; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
"""


def tear_sheet(
    table: pl.DataFrame,
    summary: BacktestSummary,
    decisions: Sequence[Promotion],
    plots: Mapping[str, bytes],
    *,
    title: str,
    note: str = "",
) -> str:
    """Return the page.

    Args:
        table: schemas.BACKTEST.
        summary: of the same.
        decisions: every decision of the replay, in their order.
        plots: PNG bytes by name.
        title: of the page.
        note: a sentence below the title, such as what was planted in a simulated market.
    """
    images = "\n".join(
        f'<p><img alt="{escape(name)}" src="data:image/png;base64,{b64encode(image).decode()}"></p>'
        for name, image in plots.items()
    )
    months = by_month(table)
    by_months = [
        (f"{row['month']:%Y-%m}", row["sessions"], *(f"{row[it]:+.2%}" for it in SUMS))
        for row in months.iter_rows(named=True)
    ]
    decided = [
        (
            f"{it.decided_at:%Y-%m-%d}",
            it.candidate_id,
            "promoted" if it.promoted else "kept the champion",
            ", ".join(it.champion.skills) or "none",
            "; ".join(it.reasons),
        )
        for it in decisions
    ]
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>
<style>{STYLE}</style></head><body>
<h1>{escape(title)}</h1>
<p>{escape(note)}</p>
<p>The top third of the signals bought, the bottom third sold short, at the next open, out at its
close, equal weights. Intervals are of 95 %, from a bootstrap of blocks of days. Returns are
fractions of what one side holds, added up.</p>
{_table((), summary.lines())}
{images}
<h2>Months</h2>
{_table(("month", "sessions", *SUMS), by_months)}
<h2>Decisions</h2>
{_table(("day", "candidate", "decision", "proven then", "reasons"), decided)}
<h2>What this cannot show</h2>
<ul>{"".join(f"<li>{escape(it)}</li>" for it in LIMITS)}</ul>
</body></html>
"""


SUMS = ("gross", "cost", "net")


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = ["<tr>" + "".join(f"<th>{escape(it)}</th>" for it in head) + "</tr>"] if head else []
    for row in rows:
        cells = "".join(f"<td{_kind(it)}>{escape(str(it))}</td>" for it in row)
        lines.append(f"<tr>{cells}</tr>")
    return "<table>" + "\n".join(lines) + "</table>"


def _kind(cell: object) -> str:
    is_number = not isinstance(cell, str) or cell[:1] in "+-"
    return ' class="number"' if is_number else ""
