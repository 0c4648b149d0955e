"""Copies between labelled sets: an evaluation is worth nothing where training saw its texts.

These are not the near copies of `near_copies`, which find one voice behind many texts: there order
and opinion do not count, so "orders doubled" and "orders halved" of one template are the same. Here
they are two sentences to learn from. Of the 2,696 simulated training sentences 228 are copies of a
dev sentence by this measure, 529 by the other.
"""

from __future__ import annotations

import re

import polars as pl

RUN_WORDS = 3
SIMILAR = 0.6  # Jaccard similarity of the runs of words of near copies

_DRESS = re.compile(r"\bURL\b|@user\b")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_NO_WORD = re.compile(r"[^\w$]+")


def copy_key(text: str) -> str:
    """Return what copies of a normalised text share: its words, without links, case and numbers.

    >>> copy_key("Profit rose 5.2 % to EUR 10 mn ! URL") == copy_key("profit ROSE 7 % to EUR 3 mn")
    True
    """
    return _NO_WORD.sub(" ", _NUMBER.sub("0", _DRESS.sub(" ", text).lower())).strip()


def are_copies(texts: pl.Series, of: pl.Series) -> pl.Series:
    """Return which texts are copies or near copies of one of the other texts.

    Near copies share most runs of three words in a row. Every pair is compared, by what it shares.

    Args:
        texts: normalised, String of shape (n,).
        of: normalised, String of shape (m,).

    Returns:
        Boolean of shape (n,).
    """
    total = pl.col("run_count") + pl.col("run_count_of")
    similar = (
        _runs(texts)
        .join(_runs(of), on="run", suffix="_of")
        .group_by("row", "row_of", "run_count", "run_count_of")
        .agg(shared=pl.len().cast(pl.Int64))
        .filter(pl.col("shared") >= SIMILAR * (total - pl.col("shared")))
    )
    rows = pl.int_range(len(texts), eager=True)
    return rows.is_in(similar["row"].implode())


def _runs(texts: pl.Series) -> pl.DataFrame:
    """Return row, run_count and run: a row for each distinct run of words of each text."""
    runs = [_runs_of(copy_key(text).split()) for text in texts]
    frame = pl.DataFrame(
        {
            "row": pl.int_range(len(runs), eager=True),
            "run_count": pl.Series([len(found) for found in runs], dtype=pl.Int64),
            "run": pl.Series(runs, dtype=pl.List(pl.String)),
        }
    )
    return frame.explode("run")


def _runs_of(words: list[str]) -> list[str]:
    last = max(len(words) - RUN_WORDS + 1, 1)
    return sorted({" ".join(words[at : at + RUN_WORDS]) for at in range(last)})
