"""The lake: whole files or none, months of New York, and what happens to damaged ones."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from finpulse_assets import schemas
from finpulse_assets.contract import Column, Table
from finpulse_assets.errors import LakeError, SchemaError
from finpulse_assets.gateways.atomic import write_json, written_atomically
from finpulse_assets.gateways.lake.lake import COVERAGE_FILE, WHOLE, Lake

VERSIONS = Table(
    name="raw/things",
    grain="one row per thing and knowledge time",
    known_at="known at knowledge_time",
    columns=(
        Column("thing", pl.String, "thing"),
        Column("knowledge_time", schemas.UTC, "when we had it", "UTC"),
        Column("value", pl.Float64, "value", nullable=True),
    ),
    key=("thing", "knowledge_time"),
    partition_column="knowledge_time",
)
DAILY = Table(
    name="marts/daily",
    grain="one row per day",
    known_at="known at once",
    columns=(Column("day", pl.Date, "day"), Column("value", pl.Float64, "value")),
    key=("day",),
    partition_column="day",
)
SINGLE = Table(
    DAILY.name.replace("daily", "single"), "one row per day", "", DAILY.columns, ("day",)
)
MAY, JUNE, JULY = "2024-05-01", "2024-06-01", "2024-07-01"


def utc(month: int, day: int, hour: int = 12) -> datetime:
    return datetime(2024, month, day, hour, tzinfo=UTC)


def things(*rows: tuple[str, datetime, float | None]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=VERSIONS.polars_schema, orient="row")


IN_MAY, IN_JUNE = ("a", utc(5, 9), 1.0), ("a", utc(6, 9), 2.0)


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake(tmp_path / "lake")


def state(path: Path) -> tuple[int, int]:
    return path.stat().st_ino, path.stat().st_mtime_ns


def rows_of(lake: Lake, *partitions: str) -> list[tuple]:
    return lake.scan(VERSIONS, partitions or None).collect().rows()


def test_a_failure_inside_leaves_the_old_file(tmp_path):
    path = tmp_path / "deep" / "file.txt"
    with written_atomically(path) as temporary:
        temporary.write_text("old")
    with pytest.raises(ZeroDivisionError), written_atomically(path) as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError
    assert path.read_text() == "old"
    assert [entry.name for entry in path.parent.iterdir()] == ["file.txt"]


def test_the_file_appears_only_when_it_is_whole(tmp_path):
    path = tmp_path / "file.txt"
    with written_atomically(path) as temporary:
        temporary.write_text("new")
        assert not path.exists()
        assert temporary.parent == path.parent
        assert temporary.name.startswith(".")
    assert path.read_text() == "new"


def test_others_may_read_what_was_written(tmp_path):
    old = os.umask(0o022)
    try:
        write_json(tmp_path / "a.json", {})
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "a.json").stat().st_mode) == 0o644


def test_a_place_that_cannot_be_written_is_a_sentence(tmp_path):
    (tmp_path / "lake").write_text("a file where a folder should be")
    with pytest.raises(
        LakeError, match=r"/lake/raw/things/.* cannot be written: .* Hint: check th"
    ):
        Lake(tmp_path / "lake").append(VERSIONS, things(IN_MAY), [])


def test_json_is_sorted(tmp_path):
    path = tmp_path / "a" / "b.json"
    write_json(path, {"b": utc(6, 1), "a": {"d": Path("x"), "c": None}})
    assert path.read_text() == (
        '{\n  "a": {\n    "c": null,\n    "d": "x"\n  },\n  "b": "2024-06-01 12:00:00+00:00"\n}\n'
    )


def test_months_are_months_of_new_york(lake):
    rows = things(("a", utc(6, 1, 3), 1.0), ("b", utc(6, 1, 4), 2.0), ("c", utc(5, 1, 4), None))
    assert lake.append(VERSIONS, rows, []) == [MAY, JUNE]
    assert [row[0] for row in rows_of(lake, MAY)] == ["a", "c"]
    assert [row[0] for row in rows_of(lake, JUNE)] == ["b"]
    assert lake.path(VERSIONS, MAY) == lake.root / "raw" / "things" / "2024-05-01.parquet"


def test_months_of_days_are_those_of_the_calendar(lake):
    frame = pl.DataFrame({"day": [date(2024, 5, 31), date(2024, 6, 1)], "value": [1.0, 2.0]})
    assert lake.replace(DAILY, frame, [MAY, JUNE]) == [MAY, JUNE]
    assert lake.scan(DAILY, [JUNE]).collect()["day"].to_list() == [date(2024, 6, 1)]


def test_a_table_without_partitions_is_one_file(lake):
    frame = pl.DataFrame({"day": [date(2024, 6, 1), date(2024, 5, 31)], "value": [1.0, 2.0]})
    assert lake.replace(SINGLE, frame, [WHOLE]) == [WHOLE]
    assert lake.scan(SINGLE).collect()["value"].to_list() == [2.0, 1.0]


def test_append_merges_with_what_is_there(lake):
    assert lake.append(VERSIONS, things(IN_MAY), [MAY]) == [MAY]
    assert lake.append(VERSIONS, things(IN_JUNE, ("0", utc(5, 2), None)), [JUNE]) == [MAY, JUNE]
    assert rows_of(lake) == [("0", utc(5, 2), None), IN_MAY, IN_JUNE]


def test_append_creates_the_months_that_were_asked_for(lake):
    assert lake.append(VERSIONS, things(IN_JUNE), [MAY, JUNE, JULY]) == [MAY, JUNE, JULY]
    assert lake.partitions(VERSIONS) == [MAY, JUNE, JULY]
    assert rows_of(lake, JULY) == []


def test_append_of_nothing_touches_nothing(lake):
    lake.append(VERSIONS, things(IN_MAY), [MAY])
    before = state(lake.path(VERSIONS, MAY))
    assert lake.append(VERSIONS, VERSIONS.empty(), [MAY]) == []
    assert state(lake.path(VERSIONS, MAY)) == before


def test_append_refuses_a_key_that_is_held(lake):
    lake.append(VERSIONS, things(IN_MAY), [])
    with pytest.raises(SchemaError, match="2 rows that share a key"):
        lake.append(VERSIONS, things((*IN_MAY[:2], 9.0)), [])
    assert rows_of(lake) == [IN_MAY]


def test_replace_returns_and_writes_only_what_changed(lake):
    both = things(IN_MAY, IN_JUNE)
    assert lake.replace(VERSIONS, both, [MAY, JUNE]) == [MAY, JUNE]
    before = {key: state(lake.path(VERSIONS, key)) for key in (MAY, JUNE)}
    assert lake.replace(VERSIONS, both.reverse(), [MAY, JUNE]) == []
    changed = things(IN_MAY, ("a", utc(6, 9), 3.0))
    assert lake.replace(VERSIONS, changed, [MAY, JUNE]) == [JUNE]
    assert state(lake.path(VERSIONS, MAY)) == before[MAY]
    assert state(lake.path(VERSIONS, JUNE)) != before[JUNE]


def test_replace_empties_a_month_without_rows(lake):
    lake.replace(VERSIONS, things(IN_MAY, IN_JUNE), [MAY, JUNE])
    assert lake.replace(VERSIONS, things(IN_MAY), [MAY, JUNE]) == [JUNE]
    assert rows_of(lake) == [IN_MAY]
    assert lake.partitions(VERSIONS) == [MAY, JUNE]


def test_replace_refuses_rows_of_other_months(lake):
    sentence = "given rows of 2024-05-01, outside the partitions 2024-06-01 to 2024-07-01 of this"
    with pytest.raises(LakeError, match=sentence):
        lake.replace(VERSIONS, things(IN_MAY, IN_JUNE), [JULY, JUNE])
    assert lake.partitions(VERSIONS) == []


def test_equal_content_is_equal_bytes(tmp_path):
    rows = things(IN_MAY, ("b", utc(5, 1), None))
    one, two = Lake(tmp_path / "one"), Lake(tmp_path / "two")
    one.append(VERSIONS, rows, [])
    for row in rows.reverse().iter_slices(1):
        two.append(VERSIONS, row, [])
    assert one.path(VERSIONS, MAY).read_bytes() == two.path(VERSIONS, MAY).read_bytes()


def test_what_is_absent_is_named(lake):
    with pytest.raises(
        LakeError, match=r"raw/things has no partition yet\. Hint: materialize raw/"
    ):
        lake.scan(VERSIONS)
    lake.append(VERSIONS, things(IN_MAY), [])
    with pytest.raises(LakeError, match="raw/things lacks partition 2024-06-01, 2024-07-01"):
        lake.scan(VERSIONS, [MAY, JUNE, JULY])


def test_an_absent_table_may_be_read_as_empty(lake):
    assert lake.read_or_empty(VERSIONS).collect().equals(VERSIONS.empty())
    lake.append(VERSIONS, things(IN_MAY), [])
    assert lake.read_or_empty(VERSIONS).collect().rows() == [IN_MAY]


def test_leftovers_of_a_killed_run_are_ignored(lake):
    lake.append(VERSIONS, things(IN_MAY), [])
    folder = lake.path(VERSIONS, MAY).parent
    (folder / ".2024-05-01.parquet.0a1b2c3d.tmp").write_bytes(b"PAR1 half")
    (folder / ".2024-06-01.parquet").write_bytes(b"hidden")
    assert lake.partitions(VERSIONS) == [MAY]
    assert rows_of(lake) == [IN_MAY]
    assert lake.append(VERSIONS, things(IN_JUNE), []) == [JUNE]


@pytest.mark.parametrize("kept", [0, 3, 200])
def test_a_truncated_file_is_named(lake, kept):
    lake.append(VERSIONS, things(IN_MAY), [])
    path = lake.path(VERSIONS, MAY)
    path.write_bytes(path.read_bytes()[:kept])
    sentence = r"2024-05-01\.parquet cannot be read: .* Hint: delete it and materialize raw/things"
    with pytest.raises(LakeError, match=sentence):
        lake.scan(VERSIONS)
    with pytest.raises(LakeError, match=sentence):
        lake.append(VERSIONS, things(("b", utc(5, 2), None)), [])


@pytest.mark.parametrize(
    ("change", "names"),
    [
        (pl.col("value").cast(pl.Int64), "value"),
        (pl.col("knowledge_time").dt.replace_time_zone(None), "knowledge_time"),
        (pl.col("knowledge_time").dt.cast_time_unit("ns"), "knowledge_time"),
    ],
)
def test_a_file_of_another_schema_is_named(lake, change, names):
    lake.append(VERSIONS, things(IN_MAY), [])
    path = lake.path(VERSIONS, MAY)
    things(IN_MAY).with_columns(change).write_parquet(path)
    with pytest.raises(
        LakeError, match=rf"written in another schema: {names} differ\. Hint: delet"
    ):
        lake.scan(VERSIONS)
    things(IN_MAY).drop("value").write_parquet(path)
    with pytest.raises(LakeError, match="written in another schema: value differ"):
        lake.scan(VERSIONS)


def test_a_history_outlives_a_column_that_came_later(lake):
    """Signals of before skills had names are not written anew, and not deleted either."""
    lake.append(VERSIONS, things(IN_MAY), [])
    path = lake.path(VERSIONS, MAY)
    things(IN_MAY).drop("value").write_parquet(path)
    columns = (replace(it, came_later=it.name == "value") for it in VERSIONS.columns)
    later = replace(VERSIONS, columns=tuple(columns))
    assert lake.scan(later).collect()["value"].to_list() == [None]


def spans(*rows: tuple[str, str, datetime, datetime]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=schemas.COVERAGE.polars_schema, orient="row")


def test_coverage_never_goes_back(lake):
    lake.append(VERSIONS, VERSIONS.empty(), [MAY, JUNE, JULY])
    assert lake.coverage(VERSIONS).is_empty()
    lake.cover(VERSIONS, spans(("a", MAY, utc(5, 1), utc(6, 1)), ("a", JUNE, utc(6, 1), utc(6, 9))))
    lake.cover(
        VERSIONS, spans(("a", JUNE, utc(6, 2), utc(6, 5)), ("b", JUNE, utc(6, 3), utc(6, 4)))
    )
    assert lake.coverage(VERSIONS).rows() == [
        ("a", MAY, utc(5, 1), utc(6, 1)),
        ("a", JUNE, utc(6, 1), utc(6, 9)),
        ("b", JUNE, utc(6, 3), utc(6, 4)),
    ]
    later = utc(7, 1) + timedelta(microseconds=1)
    lake.cover(VERSIONS, spans(("b", JUNE, utc(6, 1), later)))
    assert lake.coverage(VERSIONS).row(2) == ("b", JUNE, utc(6, 1), later)
    lake.path(VERSIONS, JUNE).unlink()
    assert lake.coverage(VERSIONS)["month"].to_list() == [MAY], "a month without a file"


@pytest.mark.parametrize("content", [b"", b"{", b"PAR1 half"])
def test_a_damaged_coverage_is_named(lake, content):
    lake.cover(VERSIONS, spans(("a", MAY, utc(5, 1), utc(6, 1))))
    (lake.root / VERSIONS.name / COVERAGE_FILE).write_bytes(content)
    with pytest.raises(LakeError, match=r"\.coverage cannot be read: .* Hint: delete it; rows"):
        lake.coverage(VERSIONS)


def test_two_appends_at_once_keep_the_rows_of_both(lake):
    """Each reads what is held and writes it with its own rows: without a lock the last one wins."""
    started = threading.Barrier(2)

    def add(name: str) -> None:
        own = Lake(lake.root)
        rows = [(f"{name}{number}", utc(5, 9), 1.0) for number in range(300)]
        started.wait()
        for part in things(*rows).iter_slices(30):
            own.append(VERSIONS, part, [MAY])
            own.cover(VERSIONS, spans((name, MAY, utc(5, 1), utc(5, 9))))

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(add, "ab"))
    assert len(rows_of(lake)) == 600
    assert lake.coverage(VERSIONS)["ticker"].to_list() == ["a", "b"]


def test_a_writer_in_another_process_is_waited_for(lake):
    """The lock is the operating system's: it ends with its process, also by kill -9."""
    code = (
        "import sys; from pathlib import Path; from filelock import FileLock\n"
        "lock = FileLock(sys.argv[1]); lock.acquire(); print('held', flush=True)\n"
        "sys.stdin.read()"
    )
    folder = lake.root / VERSIONS.name
    folder.mkdir(parents=True)
    command = [sys.executable, "-c", code, str(folder / ".lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"held\n"
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(lake.append, VERSIONS, things(IN_MAY), [])
            assert lake.partitions(VERSIONS) == []
            other.kill()
            assert waiting.result() == [MAY]


def test_a_writer_that_hangs_is_named(lake, monkeypatch):
    monkeypatch.setattr("finpulse_assets.gateways.lake.lake.LOCK_SECONDS", 0)
    with lake.locked(VERSIONS), ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(lake.append, VERSIONS, things(IN_MAY), [])
        with pytest.raises(LakeError, match="raw/things is being written by another run"):
            waiting.result()


def test_a_thread_may_lock_again_what_it_holds(lake):
    with lake.locked(VERSIONS), lake.locked(VERSIONS):
        assert lake.append(VERSIONS, things(IN_MAY), []) == [MAY]


def test_files_of_another_host_are_left_alone(lake):
    """Its process numbers say nothing here: a number that is free here may be a writer there."""
    folder = lake.path(VERSIONS, MAY).parent
    folder.mkdir(parents=True)
    free = 2**22 + 1  # above the largest process number
    theirs = folder / f".2024-05-01.parquet.other.{free}.0a1b2c3d.tmp"
    host = "".join(c if c.isalnum() or c == "-" else "_" for c in socket.gethostname())
    ours = folder / f".2024-05-01.parquet.{host}.{free}.0a1b2c3d.tmp"
    abandoned = folder / f".2024-05-01.parquet.gone.{free}.0a1b2c3d.tmp"
    for path in (theirs, ours, abandoned):
        path.write_bytes(b"PAR1 half")
    os.utime(abandoned, (0, 0))
    lake.append(VERSIONS, things(IN_MAY), [])
    assert theirs.exists()
    assert not ours.exists()
    assert not abandoned.exists(), "after a week nobody writes it any more"
