"""Copies: what another dress hides, what a few other words leave near, and what is another text."""

from __future__ import annotations

import polars as pl
import pytest

from finpulse_assets.domain.texts.copies import are_copies

TEXT = "Operating profit rose to EUR 3.2 mn from EUR 1.0 mn in the corresponding period in 2008 ."


@pytest.mark.parametrize(
    "other",
    [
        TEXT,
        TEXT.upper() + " URL",
        TEXT.replace("3.2", "11.7").replace("2008", "2007"),
        TEXT.replace("corresponding", "same"),
        TEXT.removesuffix(" in 2008 ."),
    ],
)
def test_a_copy(other):
    assert are_copies(pl.Series([other]), pl.Series(["another text", TEXT])).to_list() == [True]


@pytest.mark.parametrize(
    "other",
    [
        "",
        "profit rose",
        "Operating loss fell to EUR 3.2 mn from USD 1.0 mn in the second quarter of 2008 .",
        " ".join(reversed(TEXT.split())),
    ],
)
def test_another_text(other):
    assert are_copies(pl.Series([other]), pl.Series([TEXT])).to_list() == [False]


def test_short_texts_are_copies_only_when_equal():
    texts = pl.Series(["$T up", "$t UP !", "$T down", "up"])
    assert are_copies(texts, pl.Series(["$T up"])).to_list() == [True, True, False, False]


def test_no_texts():
    none = pl.Series([], dtype=pl.String)
    assert are_copies(none, pl.Series([TEXT])).to_list() == []
    assert are_copies(pl.Series([TEXT]), none).to_list() == [False]
