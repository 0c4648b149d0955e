"""What every test shares: the same examples in every run, and an environment that does not leak."""

import atexit
import gc
import os
from collections.abc import Iterator

# A worker is a process of one thread: those of the libraries, which are made at import, would
# wait for each other while they spin. The controller of xdist hands this to its workers.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
for name, value in ONE_THREAD.items():
    os.environ.setdefault(name, value)

import pytest  # noqa: E402
from hypothesis import settings  # noqa: E402

from tests.fakes.databases import do_not_wait_for_the_disk  # noqa: E402

do_not_wait_for_the_disk()
settings.register_profile(
    "finpulse", derandomize=True, deadline=None, print_blob=False, max_examples=50
)
settings.load_profile("finpulse")


@pytest.fixture(autouse=True)
def environment_is_restored() -> Iterator[None]:
    """Undo what a test's command line put into the environment for the processes it starts."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(autouse=True, scope="session")
def no_migrations_in_memory() -> Iterator[None]:
    """Make an instance in memory without noting its schema's version: that takes 0.2 s each.

    No migration ever looks at it, and every context of a sensor or schedule makes one.
    """
    with pytest.MonkeyPatch.context() as patch:
        for storage in ("runs", "event_log"):
            name = f"dagster._core.storage.{storage}.in_memory.stamp_alembic_rev"
            patch.setattr(name, lambda *_: None)
        yield


def pytest_collection_finish() -> None:
    """Spare the garbage collector what lives to the end: it would look at it all every time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)


def pytest_unconfigure() -> None:
    """Silence what DuckDB's bindings print while the interpreter ends: it would bury the result."""
    atexit.register(lambda: os.dup2(os.open(os.devnull, os.O_WRONLY), 2))
