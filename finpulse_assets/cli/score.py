"""`finpulse score`: the opinion in a text, or in each row of a file, by the model of the home."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table as RichTable
from rich.text import Text

from finpulse_assets.cli.console import Home, begin, errors, print_json, results
from finpulse_assets.errors import SourceError
from finpulse_assets.settings import Settings, load_settings

if TYPE_CHECKING:
    import polars as pl

    from finpulse_assets.orchestration.training.sentiment_model import SentimentModel

WRITERS = {".csv": "write_csv", ".ndjson": "write_ndjson", ".parquet": "write_parquet"}
NAMED = 10  # rows left out that are named one by one


def score(
    texts: Annotated[list[str] | None, typer.Argument(help="Texts to score.")] = None,
    file: Annotated[
        Path | None, typer.Option(help="CSV, NDJSON or Parquet file with a text a row.")
    ] = None,
    column: Annotated[str, typer.Option(help="Column of the file that holds the texts.")] = "text",
    out: Annotated[
        Path | None, typer.Option(help="Table to write: .csv, .ndjson or .parquet; needs --file.")
    ] = None,
    home: Home = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
) -> None:
    """Score texts with the sentiment model of the home: probabilities, score, model and device.

    A file's rows are written with their scores; a row without a text is left out and named by its
    line. Scores are kept: a text that was scored before costs nothing.

    Examples: `finpulse score "$AAPL beats estimates"` · `finpulse score --file texts.csv --out
    scored.parquet`
    """
    if bool(texts) == bool(file) or bool(file) != bool(out):
        raise SourceError(
            "either texts or --file with --out should be given",
            hint='finpulse score "a text", or finpulse score --file texts.csv --out scored.parquet',
        )
    settings = load_settings(home=home)
    begin("scoring with the model of", settings.root)
    if file and out:
        _score_file(file, column, out, settings, as_json=as_json)
    else:
        _score_lines(texts or [], settings, as_json=as_json)


def _is_utf8(text: str) -> bool:
    """Return whether an argument of the shell is whole: Python keeps other bytes as half pairs."""
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


def _score_lines(texts: list[str], settings: Settings, *, as_json: bool) -> None:
    import polars as pl

    from finpulse_assets.orchestration.training.score_texts import has_words, score_texts

    for at, text in enumerate(texts, start=1):
        if not _is_utf8(text):
            raise SourceError(
                f"text {at} is {text!r}, which has bytes that are not UTF-8", hint="leave it out"
            )
    given = pl.Series("text", texts, dtype=pl.String)
    empty = given.to_frame().select(~has_words(pl.col("text"))).to_series().arg_true().to_list()
    if empty:
        raise SourceError(
            f"text {empty[0] + 1} is {texts[empty[0]]!r}, which has no words", hint="leave it out"
        )
    model = _model(settings)
    rows, _ = score_texts(given, model, settings)
    scored = pl.concat([given.to_frame(), rows], how="horizontal")
    if as_json:
        print_json({**_described(model), "texts": scored.to_dicts()})
        return
    shown = RichTable(box=None)
    for name in ("text", "label", "score", "positive", "negative", "neutral", "VADER"):
        shown.add_column(name)
    for row in scored.iter_rows(named=True):
        numbers = (row["p_positive"], row["p_negative"], row["p_neutral"])
        shown.add_row(
            Text(" ".join(row["text"].split())), row["label"], f"{row['score']:+.3f}",
            *(f"{number:.3f}" for number in numbers), f"{row['vader_score']:+.3f}",
        )  # fmt: skip
    results.print(shown)
    results.print(_sentence(model), highlight=False, soft_wrap=True)


def _score_file(file: Path, column: str, out: Path, settings: Settings, *, as_json: bool) -> None:
    import polars as pl

    from finpulse_assets.gateways.atomic import written_atomically
    from finpulse_assets.orchestration.training.score_texts import SCORE_COLUMNS, score_texts

    write = WRITERS.get(out.suffix.lower())
    if write is None:
        raise SourceError(
            f"{out} ends in '{out.suffix}', tables end in {', '.join(WRITERS)}", hint="rename it"
        )
    rows, left_out = read_texts(file, column)
    if taken := [name for name in rows.columns if name in SCORE_COLUMNS]:
        raise SourceError(
            f"{file} has the columns {', '.join(taken)}, which the scores would replace",
            hint="rename or drop them",
        )
    for problem in left_out[:NAMED]:
        errors.print(f"left out {problem}", markup=False, highlight=False, soft_wrap=True)
    if len(left_out) > NAMED:
        errors.print(f"and {len(left_out) - NAMED:,} more rows", highlight=False)
    if rows.is_empty():
        raise SourceError(f"{file} has no row with a text in the column {column}")
    model = _model(settings)
    scores, report = score_texts(rows[column], model, settings, on_progress=_progress)
    with written_atomically(out) as temporary:
        getattr(pl.concat([rows, scores], how="horizontal"), write)(temporary)
    counts = {
        "rows": rows.height, "left_out": len(left_out), "scored": report.scored,
        "cache_hits": report.cache_hits, "truncated": int(scores["is_truncated"].sum()),
    }  # fmt: skip
    if as_json:
        print_json({**_described(model), **counts, "out": str(out), "problems": left_out})
        return
    results.print(
        f"{counts['rows']:,} rows to {out}, {counts['left_out']:,} left out, {report.scored:,} "
        f"texts scored and {report.cache_hits:,} known, {counts['truncated']:,} cut; "
        + _sentence(model),
        markup=False,
        highlight=False,
        soft_wrap=True,
    )


def read_texts(file: Path, column: str) -> tuple[pl.DataFrame, list[str]]:
    """Return the rows of a file that have a text, and a sentence for each of the others.

    Raises:
        SourceError: the file cannot be read or lacks the column.
    """
    import polars as pl

    from finpulse_assets.gateways.sources.files.formats import open_tables
    from finpulse_assets.gateways.sources.files.tables import ROW_PROBLEM, reading
    from finpulse_assets.orchestration.training.score_texts import has_words

    if not file.is_file():
        raise SourceError(f"{file} is no file", hint="name one CSV, NDJSON or Parquet file")
    (table,) = open_tables(file)
    if table.columns.get(column) != pl.String:
        kind = table.columns.get(column)
        raise SourceError(
            f"{file} has no column {column} of texts, "
            + (f"that one holds {kind}" if kind else f"it has {', '.join(table.columns)}"),
            hint="name it with --column",
        )
    with reading(file):
        rows = table.frame.collect()
    is_lossy = pl.col(column).str.contains("\ufffd", literal=True) & table.is_decoded
    problem = pl.coalesce(
        ROW_PROBLEM,
        pl.when(~has_words(pl.col(column))).then(pl.lit("the row has no text")),
        pl.when(is_lossy).then(pl.lit("the text has bytes that are not UTF-8")),
    )
    judged = rows.with_columns(problem.alias(ROW_PROBLEM))
    bad = judged[ROW_PROBLEM].is_not_null()
    places = _places(file, rows.height) if bad.any() else []
    left_out = [f"{places[at]}: {judged[ROW_PROBLEM][at]}" for at in bad.arg_true()]
    return judged.filter(~bad).drop(ROW_PROBLEM), left_out


def _places(file: Path, count: int) -> list[str]:
    """Return where each row stands in its file: the line it begins in, or its number in Parquet."""
    lines: list[int] = []
    if file.suffix.lower() in (".ndjson", ".jsonl"):
        with file.open(encoding="utf-8-sig", errors="replace") as read:
            lines = [number for number, line in enumerate(read, start=1) if line.strip()]
    elif file.suffix.lower() != ".parquet":
        with file.open(encoding="utf-8-sig", errors="replace", newline="") as read:
            reader, begins = csv.reader(read), 1
            try:
                for _ in reader:
                    lines.append(begins)
                    begins = reader.line_num + 1
            except csv.Error:  # a field beyond the csv module's limit: rows are numbered
                lines.clear()
        lines = lines[len(lines) - count :]  # the header, where there is one, is no row
    if len(lines) == count:
        return [f"line {line}" for line in lines]
    return [f"row {at + 1}" for at in range(count)]


def _model(settings: Settings) -> SentimentModel:
    from finpulse_assets.orchestration.training.sentiment_model import (
        admitted,
        current_sentiment_model,
    )

    return admitted(current_sentiment_model(settings), settings)


def _described(model: SentimentModel) -> dict[str, str]:
    return {
        "model": model.name,
        "fingerprint": model.fingerprint,
        "device": model.arithmetic.device,
        "dtype": model.arithmetic.dtype,
    }


def _sentence(model: SentimentModel) -> str:
    return f"model {model.name} {model.fingerprint[:12]}, {model.arithmetic}"


def _progress(done: int, of: int) -> None:
    if sys.stderr.isatty():
        errors.print(f"scored {done:,} of {of:,} texts", end="\r", highlight=False)
