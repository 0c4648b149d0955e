"""What every test shares: the same examples in every run, and an environment that does not leak."""

import atexit
import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

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


def pytest_unconfigure() -> None:
    """Silence what DuckDB's bindings print while the interpreter ends: it would bury the result."""
    atexit.register(lambda: os.dup2(os.open(os.devnull, os.O_WRONLY), 2))
