"""Quotes in CSV: read as other readers read them, or refused with line and column."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finpulse_assets.errors import SourceError
from finpulse_assets.gateways.sources.files.csv_files import open_csv
from finpulse_assets.gateways.sources.files.files import FileTextSource

ALL = (datetime(2000, 1, 3, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC))
HEADER = "text_id,ticker,event_time,text\n"
ROW = "AAPL,2024-01-02T10:00:00Z"


def texts(folder: Path, content: str) -> pl.DataFrame:
    path = folder / "texts.csv"
    path.write_text(content, newline="")
    return FileTextSource(tweets=path).texts("tweets", *ALL)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ('a 5" screen', 'a 5" screen'),
        ('12" and 15" screens', '12" and 15" screens'),
        ('a screen of 5"', 'a screen of 5"'),
        ('he said "up" again', 'he said "up" again'),
        ('"Great" they say', "Great they say"),
        ('"he said ""up"", twice"', 'he said "up", twice'),
        ('"two\nlines, 5"" each"', 'two\nlines, 5" each'),
    ],
)
def test_a_bare_quote_is_a_character(tmp_path: Path, written: str, read: str) -> None:
    frame = texts(tmp_path, f"{HEADER}1,{ROW},{written}\n2,{ROW},flat\n3,{ROW},{written}\n")
    assert frame["text"].to_list() == [read, "flat", read]
    assert frame["text_id"].to_list() == ["1", "2", "3"]
    assert frame["problem"].to_list() == [None, None, None]


def test_a_quote_that_never_closes_is_named_by_line_and_column(tmp_path: Path) -> None:
    sentence = "line 3, column text: a quote opens there and is never closed"
    with pytest.raises(SourceError, match=sentence):
        texts(tmp_path, f'{HEADER}1,{ROW},ok\n2,{ROW},"5 inch screen\n3,{ROW},flat\n')


def test_a_quote_that_swallows_rows_is_named(tmp_path: Path) -> None:
    content = f'{HEADER}1,{ROW},"5 inch screen\n2,{ROW},flat\n3,{ROW},"up"\n'
    with pytest.raises(SourceError, match="line 2, column text: a quote opens there and closes on "
                       "line 4 within a text"):  # fmt: skip
        texts(tmp_path, content)


def test_a_first_line_without_end_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="line 1: field larger than field limit"):
        texts(tmp_path, "x " * 100_000)


FIELD = st.text(st.sampled_from('ab", 5'), max_size=5)


@settings(max_examples=150, deadline=None)
@given(rows=st.lists(st.tuples(FIELD, FIELD, FIELD), min_size=1, max_size=5))
def test_every_single_line_field_is_as_the_csv_module_reads_it(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, str]]
) -> None:
    path = tmp_path_factory.mktemp("quotes") / "f.csv"
    content = "a,b,c\n" + "".join(",".join(("x" + one, two, "y")) + "\n" for one, two, _ in rows)
    path.write_text(content)
    try:
        table = open_csv(path)
    except SourceError as error:
        assert "a quote opens there" in str(error)
        return
    found = table.frame.collect().select("a", "b", "c").rows()
    expected = [
        [*row, "", "", ""][:3] for row in list(csv.reader(StringIO(content, newline="")))[1:]
    ]
    assert [[cell or "" for cell in row] for row in found] == expected
