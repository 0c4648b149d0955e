"""The clock file of a home: how far the sources reached when a run last asked them.

A sensor or schedule tick, and `finpulse status`, read this file and never a source: a source may
take seconds to say how far it reaches, and a tick comes every half minute.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from finpulse_assets.errors import SettingError
from finpulse_assets.gateways.atomic import write_json
from finpulse_assets.orchestration.run.clock import RunClock
from finpulse_assets.orchestration.run.home import FILE_SETTINGS, with_remembered_files
from finpulse_assets.settings import Settings

CLOCK_FILE = "clock.json"
FILES = "files"  # the one source that ends; every other goes on with the clock


@dataclass(frozen=True)
class NotedClock:
    """What the last run noted (times UTC).

    Args:
        as_of: the time that the run took for now.
        data_until: decision of the last session that the sources reach, None where they go on.
        start_date: the first day that the run loaded.
        files_changed_at: the newest modification among the files of the sources, in nanoseconds.
    """

    as_of: datetime
    data_until: datetime | None
    start_date: date
    files_changed_at: int


def note_clock(settings: Settings, clock: RunClock) -> None:
    """Write the clock file of the home for the ticks that come after this run began."""
    write_json(
        settings.root / CLOCK_FILE,
        {
            "as_of": clock.as_of.isoformat(),
            "data_until": clock.data_until.isoformat() if clock.data_until else None,
            "start_date": clock.start_date.isoformat(),
            "files_changed_at": files_changed_at(settings),
            "sources": {
                name: {"first": extent.first.isoformat(), "last": extent.last.isoformat()}
                for name, extent in clock.extents.items()
            },
        },
    )


def noted_clock(settings: Settings) -> NotedClock | None:
    """Return what the last run noted, None before the first.

    Raises:
        SettingError: the file cannot be read.
    """
    path = settings.root / CLOCK_FILE
    try:
        held = json.loads(path.read_text())
        until = held["data_until"]
        return NotedClock(
            as_of=datetime.fromisoformat(held["as_of"]),
            data_until=datetime.fromisoformat(until) if until else None,
            start_date=date.fromisoformat(held["start_date"]),
            files_changed_at=int(held["files_changed_at"]),
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SettingError(
            f"{path} cannot be read: {error!r}", hint="delete it; the next run writes it anew"
        ) from error


def data_due(settings: Settings, now: datetime) -> datetime | None:
    """Return up to when data is due in the tables (UTC), None where that is not known yet.

    Simulated and fetched data go on with the clock. Files end where the last run found their end:
    what is not in them is not due.

    Raises:
        SettingError: the clock file cannot be read.
    """
    if settings.as_of is not None:
        return settings.as_of
    if set(settings.source_names) != {FILES}:
        return now
    noted = noted_clock(settings)
    return noted.data_until if noted else None


def data_to_run(settings: Settings, now: datetime) -> datetime:
    """Return up to when a run that begins now may find data (UTC).

    Files that changed since the last run may hold anything, so a run has to read them.

    Raises:
        SettingError: the clock file cannot be read.
    """
    due = data_due(settings, now)
    if due is None:
        return now
    if settings.as_of is None and set(settings.source_names) == {FILES}:
        noted = noted_clock(settings)
        return due if noted and noted.files_changed_at == files_changed_at(settings) else now
    return due


def files_changed_at(settings: Settings) -> int:
    """Return the newest modification among the files of the source `files`, 0 for no file.

    The files are not opened.
    """
    settings = with_remembered_files(settings)
    named = [getattr(settings, name) for name in FILE_SETTINGS]
    files = [file for path in named if path is not None for file in _files(path.expanduser())]
    return max((file.stat().st_mtime_ns for file in files), default=0)


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        return [path, *path.iterdir()]
    return [path] if path.exists() else list(path.parent.glob(path.name))
