"""Labelled texts: every shape that is understood, and a sentence for every other."""

from __future__ import annotations

import os
from pathlib import Path

import polars as pl
import pytest

from finpulse_assets.errors import SourceError
from finpulse_assets.gateways.sentiment.labelled_texts import read_labelled_texts

WORDS = pl.DataFrame({"text": ["RT @a: up", "down", "flat &amp; dull"]})
EXPECTED = [("up", "positive"), ("down", "negative"), ("flat & dull", "neutral")]


def written(folder: Path, frame: pl.DataFrame, suffix: str = ".parquet") -> Path:
    path = folder / f"texts{suffix}"
    {".parquet": frame.write_parquet, ".csv": frame.write_csv, ".ndjson": frame.write_ndjson}[
        suffix
    ](path)
    return path


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".ndjson"])
@pytest.mark.parametrize(
    "label",
    [
        pl.Series("label", ["positive", "negative", "neutral"]),
        pl.Series("label", ["Bullish", "BEARISH", " neutral "]),
        pl.Series("label_id", [1, 0, 2]),
    ],
    ids=["words", "market words", "numbers"],
)
def test_a_shape_that_is_understood(tmp_path, suffix, label):
    frame = read_labelled_texts(written(tmp_path, WORDS.with_columns(label), suffix))
    assert frame.rows() == EXPECTED
    assert frame.schema == {"text": pl.String, "label": pl.String}


def test_a_sentence_is_a_text_and_words_win_over_numbers(tmp_path):
    frame = WORDS.rename({"text": "sentence"}).with_columns(
        label=pl.Series(["positive", "negative", "neutral"]), label_id=pl.Series([7, 7, 7])
    )
    assert read_labelled_texts(written(tmp_path, frame)).rows() == EXPECTED


def test_numbers_in_label_do_not_hide_label_id(tmp_path):
    frame = WORDS.with_columns(label=pl.Series([5, 5, 5]), label_id=pl.Series([1, 0, 2]))
    assert read_labelled_texts(written(tmp_path, frame)).rows() == EXPECTED


def test_texts_without_words_are_left_out(tmp_path):
    frame = pl.DataFrame({"text": ["up", None, " ", "RT @a:"], "label": ["positive"] * 4})
    assert read_labelled_texts(written(tmp_path, frame)).rows() == [("up", "positive")]


def test_no_rows_are_no_texts(tmp_path):
    frame = pl.DataFrame(schema={"text": pl.String, "label": pl.String})
    found = read_labelled_texts(written(tmp_path, frame))
    assert found.is_empty()
    assert found.schema == {"text": pl.String, "label": pl.String}


@pytest.mark.parametrize(
    "label",
    [
        pl.Series("label", ["positive", "meh", None]),
        pl.Series("label_id", [1, 3, None]),
    ],
)
def test_an_unknown_label_is_refused(tmp_path, label):
    path = written(tmp_path, WORDS.with_columns(label))
    sentence = r"2 of 3 labels in .*texts\.parquet are none of positive, negative, neutral, bullish"
    with pytest.raises(SourceError, match=sentence):
        read_labelled_texts(path)


@pytest.mark.parametrize(
    "columns",
    [
        {"text": ["a"]},
        {"label": ["positive"]},
        {"text": ["a"], "label": [1.5]},
        {"text": [5], "label": ["positive"]},
        {"tweet": ["a"], "label": ["positive"]},
    ],
)
def test_other_columns_are_refused(tmp_path, columns):
    path = written(tmp_path, pl.DataFrame(columns))
    named = ", ".join(columns)
    with pytest.raises(
        SourceError, match=rf"have the columns {named}\. Hint: needed are text \(or"
    ):
        read_labelled_texts(path)


def test_a_file_that_is_not_there(tmp_path):
    sentence = r"none\.csv cannot be read: it does not exist\. Hint: set FINPULSE_LABELLED_TEXTS_P"
    with pytest.raises(SourceError, match=sentence):
        read_labelled_texts(tmp_path / "none.csv")


def test_a_file_of_another_type(tmp_path):
    path = tmp_path / "texts.xlsx"
    path.write_bytes(b"")
    with pytest.raises(SourceError, match="it is no Parquet, CSV or NDJSON file"):
        read_labelled_texts(path)


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.parquet", b""), ("a.parquet", b"PAR1 half"), ("a.csv", b""), ("a.ndjson", b"{half")],
)
def test_a_broken_file_is_named(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(SourceError, match=rf"the labelled texts .*{name} cannot be read: "):
        read_labelled_texts(path)


@pytest.mark.parametrize(
    ("name", "rows", "negative"), [("tfns_train", 9_543, 1_442), ("phrasebank", 3_868, 483)]
)
def test_published_sets_are_understood(name, rows, negative):
    shared = Path(os.environ.get("FINPULSE_SHARED_DATA", _sibling()))
    path = shared / f"{name}.parquet"
    if not path.exists():
        pytest.skip(f"{path.name} is not here: set FINPULSE_SHARED_DATA to the folder that has it")
    frame = read_labelled_texts(path)
    assert frame.height == rows
    assert frame.filter(label="negative").height == negative


def _sibling() -> Path:
    return Path(__file__).resolve().parents[4].parent / "shared" / "data"
