"""Asking the published snapshot, read-only; an answer is kept until a newer one is published."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import polars as pl
import streamlit as st

from finpulse_assets.gateways.serving.dashboard_environment import ROOT
from finpulse_assets.gateways.snapshot.reader import OpenSnapshot, SnapshotReader
from finpulse_assets.gateways.snapshot.store import SnapshotStore

# A query and the values of its $parameters -> its rows.
Ask = Callable[..., pl.DataFrame]
KEPT_ANSWERS = 300


def root() -> Path:
    """Return the folder of the profile that is shown."""
    return Path(os.environ.get(ROOT, ".finpulse/demo"))


def snapshot() -> Path:
    """Return the file that is asked; it may not exist yet."""
    return SnapshotStore(root()).current


def ask(sql: str, **parameters: object) -> pl.DataFrame:
    """Return the rows of one SELECT on the snapshot as it is now.

    Raises:
        WarehouseError: there is no snapshot, or the query fails.
    """
    path = snapshot()
    found = path.stat() if path.exists() else None
    state = (found.st_ino, found.st_mtime_ns, found.st_size) if found else None
    return _kept(path, state, sql, tuple(sorted(parameters.items())))


@st.cache_resource(max_entries=KEPT_ANSWERS, show_spinner=False)
def _kept(
    path: Path, state: tuple[int, ...] | None, sql: str, parameters: tuple[tuple[str, object], ...]
) -> pl.DataFrame:
    return _opened(path, state).frame(sql, dict(parameters))


@st.cache_resource(max_entries=2, show_spinner=False)
def _opened(path: Path, state: tuple[int, ...] | None) -> OpenSnapshot:  # noqa: ARG001
    return SnapshotReader(path).opened()
