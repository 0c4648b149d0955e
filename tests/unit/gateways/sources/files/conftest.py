"""The real data sets, which lie beside the project and not in it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def shared_data() -> Path:
    beside = Path(__file__).resolve().parents[5].parent / "shared" / "data"
    folder = Path(os.environ.get("FINPULSE_SHARED_DATA", beside))
    if not folder.is_dir():
        pytest.skip("the real data sets are not here (set FINPULSE_SHARED_DATA)")
    return folder
