"""Data files on disk: which files a path means, and each opened as a lazy table.

Paths, globs, Parquet, CSV and NDJSON, and the sentences for what cannot be opened.

CSV and NDJSON are opened with every column as text, so that one bad cell costs a cell and not the
file, and an id keeps all its digits; only a fraction in NDJSON may be rounded, in its last bit.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import polars as pl

from finpulse_assets.errors import SourceError

FORMATS = (".parquet", ".csv", ".ndjson", ".jsonl")
KAGGLE_PAIR = ("Tweet.csv", "Company_Tweet.csv")
ROW_PROBLEM = "_row_problem"

_OVERFLOW = "_overflow"
_LINE = "_line"
_LINES_FOR_KEYS = 1_000
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class OpenTable:
    """A file as a lazy frame whose last column, ROW_PROBLEM, says what is wrong with a row.

    `columns` are the file's own; `is_decoded` tells that bytes were made text on the way, a byte
    that is no UTF-8 having become the replacement character.
    """

    path: Path
    frame: pl.LazyFrame
    is_decoded: bool

    @property
    def columns(self) -> dict[str, pl.DataType]:
        schema = self.frame.collect_schema()
        return {name: dtype for name, dtype in schema.items() if name != ROW_PROBLEM}


def open_tables(path: Path) -> list[OpenTable]:
    """Open the file, the files of the folder, or the files of the glob that `path` names, sorted.

    A folder with Tweet.csv and Company_Tweet.csv is one table: each tweet once a ticker.

    Raises:
        SourceError: nothing is there, or a file is empty, truncated or of no known format.
    """
    path = path.expanduser()
    if path.is_dir() and all((path / name).is_file() for name in KAGGLE_PAIR):
        return [_open_kaggle_pair(path)]
    return [_open(file) for file in _files(path)]


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what polars and the system say about an unreadable `path` into a SourceError."""
    try:
        yield
    except (pl.exceptions.PolarsError, OSError, UnicodeError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(" `'\"")
        raise SourceError(
            f"{path} cannot be read: {reason}",
            hint="it is truncated, corrupt or of another format; fetch it again",
        ) from error


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if file.suffix.lower() in FORMATS)
        if not files:
            held = ", ".join(sorted(file.name for file in path.iterdir())[:5]) or "nothing"
            raise SourceError(
                f"the folder {path} holds no Parquet, CSV or NDJSON file, it holds {held}"
            )
        return files
    files = _matches(path)
    if not files:
        raise SourceError(f"{path} does not exist", hint="name a file, a folder or a glob")
    return files


def _matches(pattern: Path) -> list[Path]:
    """Return the files that the glob matches, below the part of it that is a plain folder."""
    parts = pattern.parts
    first_wild = next((i for i, part in enumerate(parts) if set("*?[") & set(part)), None)
    if first_wild is None:
        return []
    found = Path(*parts[:first_wild]).glob("/".join(parts[first_wild:]))
    return sorted(file for file in found if file.is_file())


def _open(path: Path) -> OpenTable:
    openers = {
        ".parquet": _open_parquet,
        ".csv": _open_csv,
        ".ndjson": _open_ndjson,
        ".jsonl": _open_ndjson,
    }
    opener = openers.get(path.suffix.lower())
    if opener is None:
        raise SourceError(
            f"{path} ends in '{path.suffix}', files end in {', '.join(FORMATS)}",
            hint="convert or rename it",
        )
    with reading(path):
        if path.stat().st_size == 0:
            raise SourceError(f"{path} is empty, 0 bytes", hint="fetch it again")
        table = opener(path)
        table.frame.collect_schema()
    return table


def _open_parquet(path: Path) -> OpenTable:
    frame = pl.scan_parquet(path, glob=False, hive_partitioning=False)
    return OpenTable(path, frame.with_columns(_no_problem()), is_decoded=False)


def _open_csv(path: Path) -> OpenTable:
    _refuse_utf16(path)
    read = {"encoding": "utf8-lossy", "glob": False}
    header = pl.scan_csv(path, infer_schema=False, **read).collect_schema().names()
    # A column more than the header has catches the fields of a row with too many.
    frame = pl.scan_csv(
        path,
        schema=dict.fromkeys([*header, _OVERFLOW], pl.String),
        missing_columns="insert",
        extra_columns="ignore",
        **read,
    )
    too_long = pl.lit(f"the row has more fields than the header, {len(header)}")
    problem = pl.when(pl.col(_OVERFLOW).is_not_null()).then(too_long).alias(ROW_PROBLEM)
    return OpenTable(path, frame.with_columns(problem).drop(_OVERFLOW), is_decoded=True)


def _open_ndjson(path: Path) -> OpenTable:
    _refuse_utf16(path)
    # Each line is one text: the separator is a control character, which JSON cannot hold raw.
    lines = pl.scan_csv(
        path,
        has_header=False,
        separator="\x01",
        quote_char=None,
        schema={_LINE: pl.String},
        encoding="utf8-lossy",
        extra_columns="ignore",
        glob=False,
    ).filter(pl.col(_LINE).str.strip_chars() != "")
    line = pl.col(_LINE)
    is_object = line.str.strip_chars().str.starts_with("{")
    is_json = line.str.json_path_match("$").is_not_null()
    fields = [line.str.json_path_match(f"$['{key}']").alias(key) for key in _json_keys(path)]
    problem = pl.when(~(is_object & is_json)).then(pl.lit("the line is not a JSON object"))
    return OpenTable(path, lines.select(*fields, problem.alias(ROW_PROBLEM)), is_decoded=True)


def _json_keys(path: Path) -> list[str]:
    """Return the keys of the first lines, in order; a key with a quote names no known column."""
    keys: dict[str, None] = {}
    with path.open(encoding="utf-8-sig", errors="replace") as lines:
        for line in islice(lines, _LINES_FOR_KEYS):
            try:
                record = json.loads(line)
            except ValueError:
                continue
            if isinstance(record, dict):
                keys.update(dict.fromkeys(key for key in record if "'" not in key))
    return list(keys)


def _open_kaggle_pair(folder: Path) -> OpenTable:
    tweets, companies = (_open(folder / name) for name in KAGGLE_PAIR)
    for table, needed in ((tweets, ("tweet_id",)), (companies, ("tweet_id", "ticker_symbol"))):
        if missing := [name for name in needed if name not in table.columns]:
            raise SourceError(
                f"{table.path} lacks {', '.join(missing)}, it has {', '.join(table.columns)}",
                hint="the Kaggle pair is Tweet.csv with Company_Tweet.csv, joined on tweet_id",
            )
    tickers = companies.frame.select("tweet_id", "ticker_symbol")
    # A left join: a tweet without a company has no ticker, and the quarantine shall say so.
    joined = tweets.frame.join(tickers, on="tweet_id", how="left", maintain_order="left_right")
    return OpenTable(folder, joined, is_decoded=True)


def _refuse_utf16(path: Path) -> None:
    with path.open("rb") as file:
        if file.read(2) in _UTF16_MARKS:
            raise SourceError(f"{path} is UTF-16, only UTF-8 is read", hint="save it as UTF-8")


def _no_problem() -> pl.Expr:
    return pl.lit(None, pl.String).alias(ROW_PROBLEM)
