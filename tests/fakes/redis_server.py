"""A real Redis on loopback for a test, in memory alone."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.fakes.ports import free_port

PROGRAM = "redis-server"


@contextmanager
def running_redis(folder: Path, *, password: str = "") -> Iterator[str]:
    """Start a Redis and yield its URL; skip the test where the program is missing."""
    if shutil.which(PROGRAM) is None:
        pytest.skip(f"{PROGRAM} is not installed (Debian: apt install redis-server)")
    port = free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
               "--dir", str(folder)]  # fmt: skip
    options += ["--requirepass", password] if password else []
    server = subprocess.Popen([PROGRAM, *options], stdout=subprocess.PIPE, text=True)
    try:
        for line in server.stdout:
            if "Ready to accept connections" in line:
                break
        yield f"redis://{f':{password}@' if password else ''}127.0.0.1:{port}/0"
    finally:
        server.kill()
        server.communicate()
