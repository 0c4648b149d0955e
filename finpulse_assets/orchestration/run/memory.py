"""The memory of a process that makes features: what is freed is kept for what comes next."""

from __future__ import annotations

from contextlib import suppress
from functools import cache

KEPT_BYTES = 2**30
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h of glibc


@cache
def keep_freed_memory() -> None:
    """Ask the C library to keep up to KEPT_BYTES of freed memory, for the whole process.

    Windows are made and dropped by the thousand. glibc hands what is freed back to the system at
    once and takes it anew page by page, which was a third of the time of a block of features.
    Where the C library has no such call, nothing is asked.
    """
    import ctypes

    with suppress(AttributeError, OSError, TypeError):
        library = ctypes.CDLL(None)
        library.mallopt(_M_TRIM_THRESHOLD, KEPT_BYTES)
        library.mallopt(_M_MMAP_THRESHOLD, KEPT_BYTES)
