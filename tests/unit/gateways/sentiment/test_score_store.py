"""The store of scores: nothing half, nothing of another scorer, and one file however many runs."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finpulse_assets.errors import LakeError, SchemaError
from finpulse_assets.gateways.sentiment.score_store import (
    MODEL_SCORES,
    VADER_SCORES,
    ScoreStore,
)

ROWS = pl.DataFrame(
    [("c", 0.85, 0.05, 0.1, False), ("a", 0.1, 0.2, 0.7, True)], schema=MODEL_SCORES, orient="row"
)


@pytest.fixture
def store(tmp_path: Path) -> ScoreStore:
    return ScoreStore(tmp_path / "scores", "fake", MODEL_SCORES)


def test_known_returns_what_was_added_to_the_bit(store: ScoreStore) -> None:
    store.add(ROWS.with_columns(p_neutral=pl.Series([1 / 3, 0.1 + 0.2])))
    known = store.known(pl.Series(["c", "never seen", "c", "a"]))
    assert known.schema == pl.Schema(MODEL_SCORES)
    assert known.rows() == [("a", 0.1, 0.2, 0.1 + 0.2, True), ("c", 0.85, 0.05, 1 / 3, False)]


def test_what_was_never_written_is_empty_and_leaves_no_file(store: ScoreStore) -> None:
    assert store.known(pl.Series(["a"])).schema == pl.Schema(MODEL_SCORES)
    store.add(ROWS.clear())
    assert not store.folder.exists()
    assert store.known(pl.Series([], dtype=pl.String)).is_empty()


def test_a_text_keeps_its_first_score(store: ScoreStore) -> None:
    store.add(ROWS)
    store.add(ROWS.with_columns(p_neutral=0.5))
    assert store.known(ROWS["text_hash"]).equals(ROWS.sort("text_hash"))


def test_scorers_do_not_share_scores(store: ScoreStore, tmp_path: Path) -> None:
    store.add(ROWS)
    other = ScoreStore(store.folder, "other", MODEL_SCORES)
    assert other.known(ROWS["text_hash"]).is_empty()
    vader = ScoreStore(store.folder, "vader-1", VADER_SCORES)
    vader.add(pl.DataFrame({"text_hash": ["a"], "vader_score": [-0.25]}))
    assert vader.known(pl.Series(["a", "c"])).rows() == [("a", -0.25)]


def test_a_write_that_is_cut_short_leaves_nothing(store: ScoreStore) -> None:
    store.add(ROWS.head(1))
    with pytest.raises(KeyboardInterrupt), store._opened() as opened:
        opened.execute("insert into scores values ('z', 0, 0, 1, 0)")
        raise KeyboardInterrupt
    assert store.known(pl.Series(["c", "z"]))["text_hash"].to_list() == ["c"]
    assert [path.name for path in store.folder.iterdir()] == ["fake.sqlite"]


def test_a_truncated_file_is_named(store: ScoreStore) -> None:
    many = pl.DataFrame({"text_hash": [f"{at:064}" for at in range(500)], "vader_score": 0.5})
    vader = ScoreStore(store.folder, "vader-1", VADER_SCORES)
    vader.add(many)
    vader.path.write_bytes(vader.path.read_bytes()[:10_000])
    for use in (lambda: vader.known(many["text_hash"]), lambda: vader.add(many)):
        with pytest.raises(LakeError, match=r"vader-1\.sqlite cannot be read.*delete it"):
            use()
    vader.path.write_bytes(b"PAR1 is no database" * 99)
    with pytest.raises(LakeError, match=r"vader-1\.sqlite cannot be read.*not a database"):
        vader.known(many["text_hash"])
    vader.path.unlink()
    vader.add(many)
    assert vader.known(many["text_hash"]).height == 500


FULL_DISK = """
import resource, sys
from pathlib import Path
import polars as pl
from finpulse_assets.errors import LakeError
from finpulse_assets.gateways.sentiment.score_store import VADER_SCORES, ScoreStore

store = ScoreStore(Path(sys.argv[1]), "vader-1", VADER_SCORES)
def scores(first, count):
    hashes = [f"{at:064}" for at in range(first, first + count)]
    return pl.DataFrame({"text_hash": hashes, "vader_score": 0.5})
store.add(scores(0, 100))
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
try:
    store.add(scores(100, 5000))
except LakeError as error:
    print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
print(store.known(scores(0, 5100)["text_hash"]).height)
store.add(scores(100, 5000))
print(store.known(scores(0, 5100)["text_hash"]).height)
"""


def test_a_full_disk_is_a_sentence_and_the_store_is_right_afterwards(tmp_path: Path) -> None:
    command = [sys.executable, "-c", FULL_DISK, str(tmp_path)]
    said, held, at_last = subprocess.check_output(command, text=True).splitlines()
    assert re.search(r"vader-1\.sqlite cannot be written: .*kept before is safe", said)
    assert "check the free space of the disk" in said
    assert (held, at_last) == ("100", "5100")


def test_a_folder_that_may_not_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "scores" / "fake.sqlite").mkdir(parents=True)
    with pytest.raises(LakeError, match=r"fake\.sqlite cannot be written: .*permissions"):
        ScoreStore(tmp_path / "scores", "fake", MODEL_SCORES).add(ROWS)


def test_a_run_that_writes_without_end_is_named(store: ScoreStore, monkeypatch) -> None:
    monkeypatch.setattr("finpulse_assets.gateways.sentiment.score_store.WAIT_SECONDS", 0)
    store.add(ROWS)
    other = sqlite3.connect(store.path, isolation_level=None)
    other.execute("begin exclusive")
    with pytest.raises(LakeError, match=r"was written by another run for 0 s.*run again"):
        store.known(ROWS["text_hash"])
    other.close()
    assert store.known(ROWS["text_hash"]).height == 2


def test_add_refuses_other_shapes(store: ScoreStore) -> None:
    with pytest.raises(SchemaError, match="scores do not have the columns text_hash, p_positive"):
        store.add(pl.DataFrame({"text_hash": ["a"]}))
    with pytest.raises(SchemaError, match="scores have nulls"):
        store.add(ROWS.with_columns(p_negative=pl.lit(None, pl.Float64)))
    assert not store.folder.exists()


@settings(max_examples=20, deadline=None)
@given(batches=st.lists(st.dictionaries(st.text("ab", max_size=3), st.floats(-1, 1)), max_size=4))
def test_any_writes_are_one_file_that_knows_the_first_score_of_each(
    tmp_path_factory, batches: list[dict[str, float]]
) -> None:
    store = ScoreStore(tmp_path_factory.mktemp("store"), "fake", VADER_SCORES)
    expected: dict[str, float] = {}
    for batch in batches:
        frame = pl.DataFrame(list(batch.items()), schema=VADER_SCORES, orient="row")
        store.add(frame)
        expected = batch | expected
    known = store.known(pl.Series([*expected, "c"], dtype=pl.String))
    assert dict(known.iter_rows()) == expected
    assert len(list(store.folder.iterdir())) <= 1
