"""The data card: what the sources of a home delivered, how far it reaches, what was refused.

Markdown, made of counts that others took.
"""

from __future__ import annotations

from datetime import datetime

import polars as pl

LIMITS = (
    "A row counts from the time at which it was known here (`knowledge_time`), not from the time "
    "that it names: what was delivered late teaches no earlier session.",
    "Refused rows are kept in the quarantine of their source, with the reason.",
    "Tickers are those of the sources: who left the market before they were asked may be missing.",
)


def data_card(
    held: pl.DataFrame, asked: pl.DataFrame, marts: pl.DataFrame, *, as_of: datetime
) -> str:
    """Return the card.

    Args:
        held: kind, source, rows, tickers, first and last (Date), of what each source gave.
        asked: kind, source, requests, delivered, late, refused and failed, of the requests made.
        marts: table, rows, tickers, sessions, first and last (Date).
        as_of: UTC time of the counts.
    """
    whole = held.join(asked, on=["kind", "source"], how="full", coalesce=True).sort(
        "kind", "source"
    )
    shown = whole.select(
        "kind", "source", "rows", "tickers", "first", "last", "requests", "late", "refused",
        "failed",
        refused_share=pl.col("refused") / pl.col("delivered"),
    ).with_columns(
        pl.when(pl.col("refused_share").is_finite())
        .then((100 * pl.col("refused_share")).round(2).cast(pl.String) + " %")
        .alias("refused_share")
    )  # fmt: skip
    parts = [
        "# Data card",
        f"As of {as_of:%Y-%m-%d %H:%M} UTC.",
        "## What the sources delivered",
        _table(shown),
        "## What training stands on",
        _table(marts),
        "## Limits",
        "\n".join(f"- {it}" for it in LIMITS),
    ]
    return "\n\n".join(parts) + "\n"


def _table(frame: pl.DataFrame) -> str:
    lines = [f"| {' | '.join(it.replace('_', ' ') for it in frame.columns)} |"]
    lines.append("|" + "---|" * frame.width)
    lines += ["| " + " | ".join(_cell(it) for it in row) + " |" for row in frame.iter_rows()]
    return "\n".join(lines)


def _cell(value: object) -> str:
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) else str(value).replace("|", "\\|")
