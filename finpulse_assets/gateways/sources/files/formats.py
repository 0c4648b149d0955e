"""Data files on disk: which files a path means, and each opened as a lazy table.

Paths, globs, Parquet, CSV and NDJSON, and the sentences for what cannot be opened.

CSV and NDJSON are opened with every column as text, so that one bad cell costs a cell and not the
file, and an id keeps all its digits; only a fraction in NDJSON may be rounded, in its last bit.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from finpulse_assets.errors import SourceError
from finpulse_assets.gateways.sources.files.csv_files import open_csv
from finpulse_assets.gateways.sources.files.ndjson_files import open_ndjson
from finpulse_assets.gateways.sources.files.tables import ROW_PROBLEM, OpenTable, reading

KAGGLE_PAIR = ("Tweet.csv", "Company_Tweet.csv")


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


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if path.is_dir():
        known = sorted(file for file in path.iterdir() if file.suffix.lower() in OPENERS)
        # A text file beside data is a note; where there is nothing else, it is the data.
        files = [file for file in known if file.suffix.lower() != ".txt"] or known
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
    opener = OPENERS.get(path.suffix.lower())
    if opener is None:
        raise SourceError(
            f"{path} ends in '{path.suffix}', files end in {', '.join(OPENERS)}",
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


def _no_problem() -> pl.Expr:
    return pl.lit(None, pl.String).alias(ROW_PROBLEM)


OPENERS = {
    ".parquet": _open_parquet,
    ".csv": open_csv,
    ".tsv": open_csv,
    ".txt": open_csv,
    ".ndjson": open_ndjson,
    ".jsonl": open_ndjson,
}
