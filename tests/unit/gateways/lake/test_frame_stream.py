"""A table written frame by frame: whole or absent, in the order of its key, same bytes again."""

from __future__ import annotations

import polars as pl
import pytest

from finpulse_assets.contract import Column, Table
from finpulse_assets.errors import LakeError, SchemaError
from finpulse_assets.gateways.lake.frame_stream import FrameStream, write_stream

TABLE = Table(
    "features/any", "one row per ticker and number", "known before",
    (Column("ticker", pl.String, "a ticker"), Column("number", pl.Int64, "a number"),
     Column("value", pl.Float64, "a value", nullable=True)),
    key=("ticker", "number"),
)  # fmt: skip


def frame(ticker: str, numbers: list[int]) -> pl.DataFrame:
    values = [None if number % 3 == 0 else number / 7 for number in numbers]
    return pl.DataFrame(
        {"ticker": [ticker] * len(numbers), "number": numbers, "value": values},
        schema=TABLE.polars_schema,
    )


FRAMES = [frame("A", [1, 2, 3]), frame("A", [4, 5]), frame("B", [1])]


def stream(*frames: pl.DataFrame) -> FrameStream:
    return FrameStream(iter(frames))


def test_the_frames_come_back_as_one(tmp_path):
    path = tmp_path / "any" / "all.parquet"
    assert write_stream(path, TABLE, stream(*FRAMES))
    assert pl.read_parquet(path).equals(pl.concat(FRAMES))
    assert [it.name for it in path.parent.iterdir()] == ["all.parquet"]


def test_the_same_frames_leave_the_file_alone(tmp_path):
    path = tmp_path / "all.parquet"
    write_stream(path, TABLE, stream(*FRAMES))
    before = path.stat()
    assert not write_stream(path, TABLE, stream(*FRAMES))
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == (before.st_mtime_ns, before.st_ino)
    assert write_stream(path, TABLE, stream(*FRAMES[:2]))
    assert pl.read_parquet(path).height == 5


def test_no_frames_give_a_table_without_rows(tmp_path):
    path = tmp_path / "all.parquet"
    write_stream(path, TABLE, stream())
    assert pl.read_parquet(path).equals(TABLE.empty())


def test_frames_are_made_one_at_a_time(tmp_path):
    made = []

    def frames():
        for at, part in enumerate(FRAMES):
            made.append(at)
            yield part

    held = iter(frames())
    assert made == []
    write_stream(tmp_path / "all.parquet", TABLE, FrameStream(held))
    assert made == [0, 1, 2]


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        ([FRAMES[0], FRAMES[0]], r"goes from \('A', 3\) to \('A', 1\)"),
        ([FRAMES[2], FRAMES[1]], r"goes from \('B', 1\) to \('A', 4\)"),
        ([frame("A", [2, 2])], r"goes from \('A', 2\) to \('A', 2\)"),
        ([FRAMES[0].drop("value")], "outside its contract: value"),
        ([FRAMES[0].cast({"value": pl.Float32})], "outside its contract: value"),
        ([FRAMES[0].select("number", "ticker", "value")], "the order of the columns"),
    ],
    ids=["twice", "backwards", "same key", "lacks", "dtype", "order"],
)
def test_a_wrong_frame_is_named_and_nothing_is_written(tmp_path, frames, message):
    path = tmp_path / "all.parquet"
    write_stream(path, TABLE, stream(*FRAMES))
    with pytest.raises(SchemaError, match=message):
        write_stream(path, TABLE, stream(*frames))
    assert pl.read_parquet(path).equals(pl.concat(FRAMES))
    assert [it.name for it in tmp_path.iterdir()] == ["all.parquet"]


def test_a_failure_half_way_leaves_the_old_file(tmp_path):
    path = tmp_path / "all.parquet"
    write_stream(path, TABLE, stream(*FRAMES))

    def broken():
        yield FRAMES[0]
        raise ValueError("half way")

    with pytest.raises(ValueError, match="half way"):
        write_stream(path, TABLE, FrameStream(broken()))
    assert pl.read_parquet(path).height == 6


def test_a_refused_folder_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(LakeError, match="cannot be written"):
        write_stream(tmp_path / "file" / "all.parquet", TABLE, stream(*FRAMES))
