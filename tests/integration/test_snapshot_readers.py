"""Readers of the analytics snapshot while it is published anew, in processes of their own."""

from __future__ import annotations

import subprocess
import sys

import duckdb

from finpulse_assets.gateways.snapshot.store import SnapshotStore
from tests.integration.snapshot_steps import READER, publish_step


def test_a_reader_process_sees_ten_publications_whole(tmp_path):
    """It opens the file anew in a loop meanwhile; counts bound the test, not time."""
    store = SnapshotStore(tmp_path)
    first = publish_step(store, 1)
    holder = duckdb.connect(str(first.path), read_only=True)
    reader = subprocess.Popen(
        [sys.executable, "-c", READER, str(store.current), "10"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    seen = [int(reader.stdout.readline())]
    for step in range(2, 11):
        publish_step(store, step)
        reads = 0
        while seen[-1] != step:
            line = reader.stdout.readline()
            assert line, reader.stderr.read()
            seen.append(int(line))
            reads += 1
            assert reads < 2_000, f"publication {step} is not seen after {reads} openings"
    rest, failures = reader.communicate(timeout=1800)
    assert reader.returncode == 0, failures
    seen += [int(line) for line in rest.split()]
    assert seen == sorted(seen), "never back to an older one"
    assert set(seen) == set(range(1, 11))
    assert not first.path.exists(), "pruned meanwhile"
    assert holder.execute("select count(*), max(step) from signals").fetchall() == [(500, 1)]
    holder.close()
