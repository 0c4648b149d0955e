"""Labelled sets: every shape that is understood, the two parts, and a sentence for every other."""

from __future__ import annotations

import os
from pathlib import Path

import polars as pl
import pytest

from finpulse_assets.errors import SourceError
from finpulse_assets.gateways.sentiment.labelled_texts import (
    DEV,
    TRAIN,
    labelled_set,
    read_labelled_set,
    read_labelled_sets,
)
from tests.fakes.classifier import opinion_sentences

WORDS = pl.DataFrame({"text": ["RT @a: up", "down", "flat &amp; dull"]})
EXPECTED = [("down", "negative"), ("flat & dull", "neutral"), ("up", "positive")]


def rows_of(path: Path) -> list[tuple[str, str]]:
    return read_labelled_set(path).texts.select("text", "label").rows()


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
    found = read_labelled_set(written(tmp_path, WORDS.with_columns(label), suffix))
    assert found.texts.select("text", "label").rows() == EXPECTED
    assert found.texts.schema == {"text": pl.String, "label": pl.String, "part": pl.String}


def test_a_sentence_is_a_text_and_words_win_over_numbers(tmp_path):
    frame = WORDS.rename({"text": "sentence"}).with_columns(
        label=pl.Series(["positive", "negative", "neutral"]), label_id=pl.Series([7, 7, 7])
    )
    assert rows_of(written(tmp_path, frame)) == EXPECTED


def test_numbers_in_label_do_not_hide_label_id(tmp_path):
    frame = WORDS.with_columns(label=pl.Series([5, 5, 5]), label_id=pl.Series([1, 0, 2]))
    assert rows_of(written(tmp_path, frame)) == EXPECTED


def test_texts_without_words_are_left_out(tmp_path):
    frame = pl.DataFrame({"text": ["up", None, " ", "RT @a:"], "label": ["positive"] * 4})
    found = read_labelled_set(written(tmp_path, frame))
    assert found.texts["text"].to_list() == ["up"]
    assert found.left_out == {"without words": 3}


def test_no_rows_are_no_texts(tmp_path):
    frame = pl.DataFrame(schema={"text": pl.String, "label": pl.String})
    found = read_labelled_set(written(tmp_path, frame))
    assert found.texts.is_empty()
    assert found.left_out == {}


@pytest.mark.parametrize(
    ("label", "known"),
    [
        (pl.Series("label", ["positive", "meh", None]), "positive, negative, neutral, bullish"),
        (pl.Series("label_id", [1, 3, None]), "0, 1, 2"),
    ],
)
def test_an_unknown_label_is_refused(tmp_path, label, known):
    path = written(tmp_path, WORDS.with_columns(label))
    sentence = rf"2 of 3 labels in .*texts\.parquet are none of {known}"
    with pytest.raises(SourceError, match=sentence):
        read_labelled_set(path)


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
        read_labelled_set(path)


def test_a_file_that_is_not_there(tmp_path):
    sentence = r"none\.csv cannot be read: it does not exist\. Hint: set FINPULSE_LABELLED_TEXTS_P"
    with pytest.raises(SourceError, match=sentence):
        read_labelled_set(tmp_path / "none.csv")


def test_a_file_of_another_type(tmp_path):
    path = tmp_path / "texts.xlsx"
    path.write_bytes(b"")
    with pytest.raises(SourceError, match="it is no Parquet, CSV or NDJSON file"):
        read_labelled_set(path)


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.parquet", b""), ("a.parquet", b"PAR1 half"), ("a.csv", b""), ("a.ndjson", b"{half")],
)
def test_a_broken_file_is_named(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(SourceError, match=rf"the labelled texts .*{name} cannot be read: "):
        read_labelled_set(path)


def test_a_description_beside_the_file_decides(tmp_path):
    path = written(tmp_path, pl.DataFrame({"said": ["up", "so so"], "stars": [5, 3]}), ".csv")
    path.with_suffix(".toml").write_text(
        'name = "mine"\nlicence = "CC0"\ntext = "said"\nlabel = "stars"\n'
        'meanings = {5 = "positive", 3 = "neutral"}\n'
    )
    found = read_labelled_set(path)
    assert (found.name, found.licence, found.is_weak) == ("mine", "CC0", False)
    assert found.texts.select("text", "label").rows() == [("so so", "neutral"), ("up", "positive")]


@pytest.mark.parametrize(
    ("described", "sentence"),
    [
        ("text = 5 5", "cannot be read as TOML"),
        ('tekst = "said"', r"texts\.toml has tekst\. Hint: known are .*licence"),
        ('label = "said"', r"names the columns said, texts\.parquet has text, label"),
        ('meanings = {up = "good"}', "gives the meaning good"),
        ('labelled_by = "robots"', "says labelled_by 'robots'"),
    ],
)
def test_a_description_that_cannot_be_used(tmp_path, described, sentence):
    path = written(tmp_path, pl.DataFrame({"text": ["a"], "label": ["positive"]}))
    path.with_suffix(".toml").write_text(described)
    with pytest.raises(SourceError, match=sentence):
        read_labelled_set(path)


def test_a_score_is_cut_into_labels(tmp_path):
    frame = pl.DataFrame(
        {"sentence": ["a", "b", "c", "d"], "sentiment_score": [0.11, 0.1, -0.1, -0.4]}
    )
    found = read_labelled_set(written(tmp_path, frame))
    assert found.texts["label"].to_list() == ["positive", "neutral", "neutral", "negative"]


def test_labels_of_vader_are_weak_and_nothing_is_evaluated_on_them(tmp_path):
    path = written(tmp_path, pl.DataFrame({"text": ["great results, we love it", *"abcdefgh"]}))
    path.with_suffix(".toml").write_text('labelled_by = "vader"')
    found = read_labelled_set(path)
    assert found.is_weak
    assert found.texts.filter(part=DEV).is_empty()
    assert (
        dict(found.texts.select("text", "label").rows())["great results, we love it"] == "positive"
    )


def test_a_text_of_two_labels_is_left_out_and_one_in_both_parts_is_dev():
    rows = pl.DataFrame(
        {
            "text": ["two", "two", "both", "both", "once"],
            "label": ["positive", "negative", "neutral", "neutral", "neutral"],
            "part": ["train", "train", "train", "dev", "train"],
        }
    )
    found = labelled_set("set", rows, licence="CC0")
    assert found.texts.rows() == [("both", "neutral", "dev"), ("once", "neutral", "train")]
    assert found.left_out == {"of two labels": 2, "repeated": 1}
    with pytest.raises(SourceError, match="rows of the part test"):
        labelled_set("set", rows.with_columns(part=pl.lit("test")), licence="CC0")


def test_no_copy_of_a_dev_text_of_any_set_is_in_training(tmp_path):
    texts = pl.DataFrame({"text": [f"{word} rose by one third in the last quarter of the year"
                                   for word in ("Sales", "Profit", "Debt", "Output")],
                          "label": ["positive"] * 4})  # fmt: skip
    parts = pl.Series("split", ["dev", "train", "train", "train"])
    paths = [written(tmp_path, texts.with_columns(parts)), tmp_path / "twin.csv"]
    paths[0].with_suffix(".toml").write_text('split = "split"')
    twin = texts.with_columns(
        text=pl.col("text").str.to_uppercase() + " https://t.co/x", split=parts
    )
    twin.vstack(pl.DataFrame([["Rain", "neutral", "train"]], twin.schema, orient="row")).write_csv(
        paths[1]
    )
    paths[1].with_suffix(".toml").write_text('split = "split"')
    one, two = read_labelled_sets(paths)
    assert one.left_out == {"copies of a dev text": 3}
    assert two.left_out == {"copies of a dev text": 3}
    assert two.part(TRAIN).rows() == [("Rain", "neutral")]
    assert two.part(DEV).height == 1


def test_a_set_that_grows_keeps_its_dev_part(tmp_path):
    first, more = opinion_sentences(900), opinion_sentences(900, seed=5)
    before = read_labelled_set(written(tmp_path, first)).part(DEV)
    after = read_labelled_set(written(tmp_path, pl.concat([first, more]))).part(DEV)
    assert before.height > 20
    assert set(before["text"]) < set(after["text"])


def test_two_sets_of_one_name_are_refused(tmp_path):
    path = written(tmp_path, pl.DataFrame({"text": ["a"], "label": ["positive"]}))
    with pytest.raises(SourceError, match="two labelled sets are named texts"):
        read_labelled_sets([path, path])


@pytest.mark.parametrize(
    ("name", "licence", "rows", "negative_dev"),
    [
        ("tfns_train", "MIT", 9_450, 134),
        ("phrasebank", "CC BY-NC-SA 3.0", 3_868, 60),
        ("fiqa_task1_train", "not stated", 901, 25),
    ],
)
def test_published_sets_are_understood(name, licence, rows, negative_dev):
    shared = Path(os.environ.get("FINPULSE_SHARED_DATA", _sibling()))
    path = shared / f"{name}.parquet"
    if not path.exists():
        pytest.skip(f"{path.name} is not here: set FINPULSE_SHARED_DATA to the folder that has it")
    found = read_labelled_set(path)
    assert found.licence == licence
    assert found.texts.height == rows
    assert found.part(DEV).filter(label="negative").height == negative_dev


def _sibling() -> Path:
    return Path(__file__).resolve().parents[4].parent / "shared" / "data"
