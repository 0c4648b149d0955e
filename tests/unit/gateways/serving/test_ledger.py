"""The ledger: what is changed in it is noticed, and services do not touch each other's segments."""

from __future__ import annotations

import errno
from datetime import timedelta

import pytest

from finpulse_assets.domain.serving.ledger import entry_of, table_of
from finpulse_assets.errors import LedgerError, RequestError
from finpulse_assets.gateways.serving import ledger
from finpulse_assets.gateways.serving.ledger import (
    LedgerWriter,
    drop_old,
    ended_segments,
    find_entry,
    mark_kept,
    newest_entries,
    read_segment,
    segments,
)
from finpulse_assets.gateways.serving.prediction_id import new_prediction_id, time_of
from tests.fakes import serving as fakes

LATER = fakes.NOW + timedelta(minutes=6)


def answers(count: int, now=fakes.NOW) -> list[bytes]:
    reply = fakes.answering().reply(b'{"symbol":"AAPL"}', now=now)
    contents = [reply.stamped(new_prediction_id(now), now.isoformat(), 0.1) for _ in range(count)]
    return [entry_of(content, None, "b" * 16) for content in contents]


def written(folder, count: int = 3) -> LedgerWriter:
    writer = LedgerWriter(folder)
    writer.append(answers(count), fakes.NOW)
    return writer


def test_what_was_written_is_read_in_its_order_and_as_a_table(tmp_path):
    written(tmp_path).append(answers(1), fakes.NOW)
    (segment,) = segments(tmp_path)
    entries = read_segment(segment)
    assert len(entries) == 4
    table = table_of(entries)
    assert table["ticker"].to_list() == ["AAPL"] * 4
    assert table["answer"].to_list() == [it.content.decode() for it in entries]
    assert table["answered_at"][0] == fakes.NOW
    assert table_of([]).is_empty()


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: [lines[0], lines[2], lines[1], lines[3]],
        lambda lines: [lines[0], *lines[2:]],
        lambda lines: [*lines[:2], lines[1], *lines[2:]],
        lambda lines: [*lines[:3], lines[3].replace(b"AAPL", b"MSFT")],
        lambda lines: lines[1:],
    ],
    ids=["swapped", "removed", "doubled", "changed", "beheaded"],
)
def test_a_change_is_noticed(tmp_path, change):
    written(tmp_path).close()
    (segment,) = segments(tmp_path)
    segment.write_bytes(b"".join(change(segment.read_bytes().splitlines(keepends=True))))
    with pytest.raises(LedgerError, match=r"line \d of the ledger's segment .* does not follow"):
        read_segment(segment)


def test_a_line_that_a_kill_cut_off_does_not_count(tmp_path):
    written(tmp_path).close()
    (segment,) = segments(tmp_path)
    content = segment.read_bytes()
    last = content.rstrip(b"\n").rfind(b"\n") + 1
    for end in range(last, len(content)):
        segment.write_bytes(content[:end])
        assert len(read_segment(segment)) == 2
    segment.write_bytes(content)
    assert len(read_segment(segment)) == 3


def test_two_services_write_segments_of_their_own(tmp_path):
    one, two = written(tmp_path, 2), written(tmp_path, 1)
    assert sorted(len(read_segment(it)) for it in segments(tmp_path)) == [1, 2]
    assert list(ended_segments(tmp_path)) == [], "both are being written"
    one.close()
    (ended,) = ended_segments(tmp_path)
    assert len(read_segment(ended)) == 2
    two.close()


def test_a_new_segment_follows_the_old_one_and_an_old_one_ends_by_itself(tmp_path):
    writer = written(tmp_path)
    writer.append(answers(1, LATER), LATER)
    newest, oldest = segments(tmp_path)
    assert oldest.name.encode() in newest.read_bytes().splitlines()[0]
    writer.close_if_old(LATER)
    assert list(ended_segments(tmp_path)) == [oldest]
    writer.close_if_old(LATER + timedelta(minutes=6))
    assert list(ended_segments(tmp_path)) == [oldest, newest]


def test_an_answer_is_found_in_any_segment_and_kept_ones_go_after_a_week(tmp_path):
    written(tmp_path).close()
    (segment,) = segments(tmp_path)
    entry = read_segment(segment)[1]
    mark_kept(segment)
    drop_old(tmp_path, LATER)
    assert find_entry(tmp_path, entry.answer["prediction_id"]) == entry
    assert list(ended_segments(tmp_path)) == []
    writer = LedgerWriter(tmp_path)
    much_later = fakes.NOW + timedelta(days=8)
    writer.append(answers(1, much_later), much_later)
    writer.close()
    mark_kept(next(ended_segments(tmp_path)))
    drop_old(tmp_path, much_later)
    assert find_entry(tmp_path, entry.answer["prediction_id"]) is None
    assert len(newest_entries(tmp_path, 10)) == 1


def test_a_disk_that_takes_a_part_only_leaves_the_segment_as_it_was(tmp_path, monkeypatch):
    writer = written(tmp_path)
    (segment,) = segments(tmp_path)
    before, real = segment.read_bytes(), ledger.os.write
    with monkeypatch.context() as full:
        full.setattr(ledger.os, "write", lambda file, content: real(file, content[:10]))
        with pytest.raises(LedgerError, match="the disk took a part only"):
            writer.append(answers(2), fakes.NOW)
    assert segment.read_bytes() == before
    writer.append(answers(2), fakes.NOW)
    assert len(read_segment(segment)) == 5


def test_a_disk_that_is_full_when_a_segment_begins_leaves_none_without_its_head(
    tmp_path, monkeypatch
):
    writer = written(tmp_path)
    (first,) = segments(tmp_path)

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(ledger.os, "write", full)
        for _ in range(2):
            with pytest.raises(LedgerError, match="No space left on device"):
                writer.append(answers(1), LATER)
    assert segments(tmp_path) == [first]
    writer.append(answers(2), LATER)
    second, _ = segments(tmp_path)
    assert len(read_segment(second)) == 2
    assert f'"segment":"{first.name}"' in second.read_text().splitlines()[0], "it follows the first"


def test_ids_are_ordered_by_time_and_never_the_same():
    ids = [new_prediction_id(fakes.NOW + timedelta(microseconds=at)) for at in range(100)]
    assert ids == sorted(ids)
    assert len(set(ids)) == 100
    assert time_of(ids[3]) == fakes.NOW + timedelta(microseconds=3)


@pytest.mark.parametrize("text", ["", "x", "0" * 29, "-" * 29, "é" * 29])
def test_what_is_no_id_is_refused(text):
    with pytest.raises(RequestError, match="is no prediction id"):
        time_of(text)
