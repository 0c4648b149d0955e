"""`finpulse score`: texts and files, what is left out, and what is said about who scored."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from finpulse_assets.cli.app import app
from finpulse_assets.cli.score import read_texts
from finpulse_assets.domain.texts.normalise import normalise_text
from finpulse_assets.errors import FinPulseError, ModelError, SourceError
from finpulse_assets.gateways.atomic import write_json
from finpulse_assets.gateways.sentiment.classifier import Classifier
from finpulse_assets.gateways.sentiment.manifest import write_manifest
from finpulse_assets.settings import load_settings
from tests.fakes.classifier import save_small_bert, small_bert

TEXTS = ["acme beats the report", "bolt cuts profit", "core opens"]
MODEL = small_bert(max_tokens=128)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with a small sentiment model and nothing else; the working folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FINPULSE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("FINPULSE_DEVICE", "cpu")
    folder = load_settings().models / "sentiment" / "m"
    write_manifest(save_small_bert(folder, MODEL))
    write_json(folder.parent / "current.json", {"name": "m", "folder": "m"})
    return tmp_path


def said(*arguments: str) -> dict:
    done = CliRunner().invoke(app, ["score", *arguments, "--json"])
    if isinstance(done.exception, FinPulseError):
        raise done.exception
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_a_text_has_probabilities_a_score_and_who_gave_them(home: Path) -> None:
    answer = said(TEXTS[0], "bolt cuts profit")
    folder = load_settings().models / "sentiment" / "m"
    expected = Classifier.load(folder, device="cpu").score(TEXTS[:2])
    assert (answer["model"], answer["device"], answer["dtype"]) == ("m", "cpu", "float64")
    assert [row["text"] for row in answer["texts"]] == TEXTS[:2]
    for at, row in enumerate(answer["texts"]):
        values = {name: row[f"p_{name}"] for name in ("positive", "negative", "neutral")}
        assert values["positive"] == expected.p_positive[at]
        assert row["score"] == values["positive"] - values["negative"]
        assert row["label"] == max(values, key=values.get)
        assert -1 <= row["vader_score"] <= 1


def test_the_table_shows_what_json_says(home: Path) -> None:
    done = CliRunner().invoke(app, ["score", TEXTS[0]])
    assert done.exit_code == 0, done.output
    (row,) = said(TEXTS[0])["texts"]
    for shown in (TEXTS[0], row["label"], f"{row['p_positive']:.3f}", "model m", "float64 on cpu"):
        assert shown in done.stdout


def test_a_text_that_is_markup_is_printed_as_it_is(home: Path) -> None:
    done = CliRunner().invoke(app, ["score", "[red]acme[/] beats"])
    assert "[red]acme[/] beats" in done.stdout


def test_the_dtype_of_the_settings_is_used_and_named(home: Path, monkeypatch) -> None:
    full = said(TEXTS[0])
    monkeypatch.setenv("FINPULSE_SCORING_DTYPE", "bfloat16")
    monkeypatch.setattr("finpulse_assets.gateways.sentiment.parity.MAX_PROBABILITY_CHANGE", 1)
    monkeypatch.setattr("finpulse_assets.gateways.sentiment.parity.MAX_FLIPPED_SHARE", 1)
    reduced = said(TEXTS[0])
    assert reduced["dtype"] == "bfloat16"
    assert reduced["fingerprint"] != full["fingerprint"]
    assert reduced["texts"][0]["p_positive"] != full["texts"][0]["p_positive"]


@pytest.mark.parametrize("ending", ["csv", "ndjson", "parquet"])
def test_a_file_is_written_with_its_scores_row_by_row(home: Path, ending: str) -> None:
    given = pl.DataFrame({"id": ["1", "2", "3"], "said": TEXTS})
    given.write_csv("texts.csv")
    report = said("--file", "texts.csv", "--column", "said", "--out", f"scored.{ending}")
    assert (report["rows"], report["scored"], report["left_out"]) == (3, 3, 0)
    read = {"csv": pl.read_csv, "ndjson": pl.read_ndjson, "parquet": pl.read_parquet}[ending]
    rows = read(f"scored.{ending}")
    assert rows.columns[:2] == ["id", "said"]
    assert rows["said"].to_list() == TEXTS
    assert rows["p_positive"].to_list() == [it["p_positive"] for it in said(*TEXTS)["texts"]]
    assert rows["is_truncated"].to_list() == [False] * 3


def test_what_was_scored_before_is_known(home: Path) -> None:
    said(*TEXTS[:2])
    pl.DataFrame({"text": [*TEXTS, TEXTS[0]]}).write_parquet("texts.parquet")
    report = said("--file", "texts.parquet", "--out", "scored.parquet")
    assert (report["rows"], report["scored"], report["cache_hits"]) == (4, 1, 2)


def test_rows_without_a_text_are_left_out_and_named_by_line(home: Path) -> None:
    Path("texts.csv").write_text(
        'id,text\n1,"acme beats\nthe report"\n2,\n3,core opens\n4,"  "\n5,a,b,c\n'
    )
    report = said("--file", "texts.csv", "--out", "scored.csv")
    assert report["problems"] == [
        "line 4: the row has no text",
        "line 6: the row has no text",
        "line 7: the row has more fields than the header, 2",
    ]
    assert pl.read_csv("scored.csv")["id"].to_list() == [1, 3]


def test_behind_a_field_without_end_rows_are_numbered(home: Path) -> None:
    long = "x" * 200_000
    (home / "long.csv").write_text(f"text,note\nup,1\n  ,2\ndown,{long}\n")
    rows, left_out = read_texts(home / "long.csv", "text")
    assert rows["text"].to_list() == ["up", "down"]
    assert left_out == ["row 2: the row has no text"]


def test_lines_of_ndjson_and_rows_of_parquet_are_named(home: Path) -> None:
    Path("texts.ndjson").write_text('{"text": "acme"}\n\n{"text": null}\nno json\n')
    assert read_texts(Path("texts.ndjson"), "text")[1] == [
        "line 3: the row has no text",
        "line 4: the line is not a JSON object",
    ]
    pl.DataFrame({"text": ["acme", None, "\u200b"]}).write_parquet("texts.parquet")
    rows, left_out = read_texts(Path("texts.parquet"), "text")
    assert left_out == ["row 2: the row has no text", "row 3: the row has no text"]
    assert rows["text"].to_list() == ["acme"]


ODD = (
    "📈📈📈", "https://t.co/x", "@joe", "$ACME", "42 %", "x" * 10_000, "acme " * 2_000,
    "می\u200cرود \u202eصعود\u202c", "ac\u200bme beats", "acme\x00beats",
)  # fmt: skip


def test_odd_texts_have_a_score_that_is_the_same_alone(home: Path) -> None:
    rows = said(*ODD)["texts"]
    for text, row in zip(ODD, rows, strict=True):
        values = [row[f"p_{name}"] for name in ("positive", "negative", "neutral")]
        assert sum(values) == pytest.approx(1, abs=2e-6), text
        assert row["is_truncated"] == (text.count("acme") > 1_000)  # a long word is one token
    assert rows[8]["score"] == said("acme beats")["texts"][0]["score"]
    folder = load_settings().models / "sentiment" / "m"
    alone = [Classifier.load(folder, device="cpu").score([normalise_text(it)]) for it in ODD]
    assert [row["p_positive"] for row in rows] == [it.p_positive[0] for it in alone]
    assert CliRunner().invoke(app, ["score", *ODD]).exit_code == 0


def test_bytes_that_are_no_text_are_left_out_and_named(home: Path) -> None:
    Path("texts.csv").write_bytes(b"text\nacme beats\ncaf\xc3 up\n")
    report = said("--file", "texts.csv", "--out", "scored.csv")
    assert report["problems"] == ["line 3: the text has bytes that are not UTF-8"]
    assert pl.read_csv("scored.csv")["text"].to_list() == ["acme beats"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "either texts or --file with --out"),
        (["acme", "--file", "texts.csv", "--out", "a.csv"], "either texts or --file with --out"),
        (["--file", "texts.csv"], "either texts or --file with --out"),
        (["acme", " "], "text 2 is ' ', which has no words"),
        (["acme", "caf\udcc3"], "text 2 is .*, which has bytes that are not UTF-8"),
        (["--file", "texts.csv", "--out", "a.xlsx"], r"a\.xlsx ends in '\.xlsx', tables end in"),
        (["--file", "absent.csv", "--out", "a.csv"], "absent.csv is no file"),
        (["--file", "texts.csv", "--column", "word", "--out", "a.csv"], "it has text, score"),
        (["--file", "texts.csv", "--out", "a.csv"], "has the columns score, which the scores"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(home: Path, arguments, message: str) -> None:
    Path("texts.csv").write_text("text,score\nacme,1\n")
    with pytest.raises(SourceError, match=message):
        said(*arguments)
    assert not Path("a.csv").exists()


def test_without_a_model_the_command_says_how_to_make_one(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match=r"no sentiment model yet.*models/sentiment_model"):
        said("acme", "--home", str(tmp_path / "empty"))
