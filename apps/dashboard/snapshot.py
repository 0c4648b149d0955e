"""Asking the published snapshot, read-only; an answer is kept until a newer one is published."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import polars as pl
import streamlit as st

from finpulse_assets.gateways.serving.dashboard_environment import ROOT
from finpulse_assets.gateways.snapshot.reader import OpenSnapshot, SnapshotReader
from finpulse_assets.gateways.snapshot.store import SnapshotStore

# A query and the values of its $parameters -> its rows.
Ask = Callable[..., pl.DataFrame]
State = tuple[int, ...] | None
Made = TypeVar("Made")
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
    return _kept(snapshot(), _state(), sql, tuple(sorted(parameters.items())))


def derived(make: Callable[..., Made], *values: object) -> Made:
    """Return `make(ask, *values)`; what it makes is kept, the many rows that it asks for are not.

    Raises:
        WarehouseError: there is no snapshot, or a query fails.
    """
    name = f"{make.__module__}.{make.__qualname__}"
    return _kept_made(snapshot(), _state(), name, values, make)


def _state() -> State:
    """Return what changes when a newer snapshot is published; None without one."""
    path = snapshot()
    found = path.stat() if path.exists() else None
    return (found.st_ino, found.st_mtime_ns, found.st_size) if found else None


@st.cache_resource(max_entries=KEPT_ANSWERS, show_spinner=False)
def _kept(
    path: Path, state: State, sql: str, parameters: tuple[tuple[str, object], ...]
) -> pl.DataFrame:
    return _opened(path, state).frame(sql, dict(parameters))


@st.cache_resource(max_entries=KEPT_ANSWERS, show_spinner=False)
def _kept_made(
    path: Path,
    state: State,
    name: str,  # noqa: ARG001
    values: tuple[object, ...],
    _make: Callable[..., Made],
) -> Made:  # the name stands for the function, whose argument Streamlit leaves out of the key
    opened = _opened(path, state)
    return _make(lambda sql, **parameters: opened.frame(sql, parameters), *values)


@st.cache_resource(max_entries=2, show_spinner=False)
def _opened(path: Path, state: State) -> OpenSnapshot:  # noqa: ARG001
    return SnapshotReader(path).opened()
