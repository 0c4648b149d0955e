"""The store of scores: one SQLite file a scorer, keyed by text hash.

https://docs.python.org/3/library/sqlite3.html

A look-up costs what is asked for, not what is kept; a killed run leaves whole transactions; and
years of daily runs leave one file. Parquet, which the lake is made of, has no such key.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from finpulse_assets.errors import LakeError, SchemaError
from finpulse_assets.schemas import TEXT_SENTIMENT

WAIT_SECONDS = 60  # for another run that is writing
_SQL_TYPES = {pl.String: "text", pl.Float64: "real", pl.Boolean: "integer", pl.Binary: "blob"}


def _schema(*names: str) -> dict[str, pl.DataType]:
    return {name: TEXT_SENTIMENT.polars_schema[name] for name in ("text_hash", *names)}


MODEL_SCORES = _schema("p_positive", "p_negative", "p_neutral", "is_truncated")
VADER_SCORES = _schema("vader_score")


@dataclass(frozen=True)
class ScoreStore:
    """The scores that one scorer has given: `<folder>/<scorer>.sqlite`.

    Attributes:
        folder: of the stores of all scorers.
        scorer: who gave the scores, to the version: a model's fingerprint, or VADER's release.
        schema: text_hash and the columns of a score.
    """

    folder: Path
    scorer: str
    schema: Mapping[str, pl.DataType]

    @property
    def path(self) -> Path:
        return self.folder / f"{self.scorer}.sqlite"

    def known(self, hashes: pl.Series) -> pl.DataFrame:
        """Return the stored scores of the given text hashes.

        Returns:
            The columns of the schema; one row per distinct hash that is known, sorted by it.

        Raises:
            LakeError: the file is truncated or is no store of scores.
        """
        stored = {n: pl.Int8 if dtype == pl.Boolean else dtype for n, dtype in self.schema.items()}
        rows = []
        if self.path.exists():
            columns = ", ".join(f"scores.{name}" for name in self.schema)
            with self._opened() as store:
                rows = store.execute(
                    f"select {columns} from json_each(?) as asked "  # noqa: S608
                    "join scores on scores.text_hash = asked.value order by scores.text_hash",
                    (json.dumps(hashes.unique().sort().to_list()),),
                ).fetchall()
        return pl.DataFrame(rows, schema=stored, orient="row").cast(dict(self.schema))

    def add(self, frame: pl.DataFrame) -> None:
        """Add scores, all or none of them; a text that has one keeps it.

        Raises:
            SchemaError: a column is missing, of another type, or has nulls.
            LakeError: the file is truncated or is no store of scores.
        """
        if frame.is_empty():
            return
        try:
            frame = frame.select(pl.col(name).cast(dtype) for name, dtype in self.schema.items())
        except pl.exceptions.PolarsError as error:
            raise SchemaError(f"scores do not have the columns {', '.join(self.schema)}") from error
        if any(count for count in frame.null_count().row(0)):
            raise SchemaError("scores have nulls where none may be")
        self.folder.mkdir(parents=True, exist_ok=True)
        marks = ", ".join("?" * len(self.schema))
        with self._opened() as store:
            # The order of the key: pages are filled one after the other.
            store.executemany(
                f"insert or ignore into scores values ({marks})",  # noqa: S608
                frame.sort("text_hash").iter_rows(),
            )

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        """Yield the open store; commit what the block wrote, or nothing of it."""
        columns = ", ".join(
            f"{name} {_SQL_TYPES[type(dtype) if isinstance(dtype, pl.DataType) else dtype]}"
            for name, dtype in self.schema.items()
        )
        try:
            with closing(sqlite3.connect(self.path, timeout=WAIT_SECONDS)) as store, store:
                store.execute(
                    f"create table if not exists scores ({columns}, primary key (text_hash)) "
                    "without rowid"
                )
                yield store
        except sqlite3.Error as error:
            name = getattr(error, "sqlite_errorname", "")
            if name == "SQLITE_BUSY":
                raise LakeError(
                    f"{self.path} was written by another run for {WAIT_SECONDS} s",
                    hint="run again when that one has ended",
                ) from error
            if name.startswith(("SQLITE_FULL", "SQLITE_IOERR", "SQLITE_CANTOPEN")):
                raise LakeError(
                    f"{self.path} cannot be written: {error}; what was kept before is safe",
                    hint="check the free space of the disk and the permissions of the folder, and "
                    "run again",
                ) from error
            raise LakeError(
                f"{self.path} cannot be read or written as scores: {error}",
                hint="if it is damaged, delete it: its scores will be recomputed",
            ) from error
