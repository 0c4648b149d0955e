"""What commands share: results on stdout, progress and errors on stderr, and the option --home."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

Home = Annotated[
    Path | None,
    typer.Option(help="Folder of everything that a run writes; default: FINPULSE_HOME."),
]

# Piped output keeps its tables whole; a terminal's own width rules otherwise.
results = Console(width=None if sys.stdout.isatty() else 110)
errors = Console(stderr=True)


def begin(doing: str, root: Path) -> None:
    """Say at once what begins, before the imports that take seconds.

    Args:
        doing: what is done, such as "reading".
        root: the folder that it is done with, mostly that of the home.
    """
    errors.print(f"{doing} {short(root)} …", highlight=False, soft_wrap=True)


def print_json(value: Mapping[str, object]) -> None:
    """Print a report as JSON on stdout; times and paths become text."""
    sys.stdout.write(json.dumps(value, indent=2, default=str) + "\n")


def short(path: Path) -> Path:
    """Return a path as seen from the working folder, where it lies below it.

    >>> short(Path.cwd() / "a" / "b"), short(Path("/etc/hosts"))
    (PosixPath('a/b'), PosixPath('/etc/hosts'))
    """
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def interval(value: float, lower: float, upper: float) -> str:
    """Format a score with its interval.

    >>> interval(0.5612, 0.541, 0.58)
    '0.561 [0.541, 0.580]'
    """
    return f"{value:.3f} [{lower:.3f}, {upper:.3f}]"
