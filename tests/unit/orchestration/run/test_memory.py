"""Memory is a matter of the process: the domain asks nothing of the C library."""

from __future__ import annotations

import ctypes
from pathlib import Path

import finpulse_assets.domain
from finpulse_assets.orchestration.run.memory import KEPT_BYTES, keep_freed_memory


def test_freed_memory_is_kept_and_a_c_library_without_the_call_is_left_alone(monkeypatch):
    asked = []

    class Library:
        def mallopt(self, option: int, value: int) -> None:
            asked.append((option, value))

    monkeypatch.setattr(ctypes, "CDLL", lambda _: Library())
    keep_freed_memory.__wrapped__()
    assert asked == [(-1, KEPT_BYTES), (-3, KEPT_BYTES)]
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    keep_freed_memory.__wrapped__()


def test_the_domain_reaches_for_no_c_library():
    folder = Path(finpulse_assets.domain.__file__).parent
    files = [path for path in folder.rglob("*.py") if "CDLL" in path.read_text()]
    assert files == []
