"""The wheel of the checkout: the code of FinPulse as it goes into a bento.

Built by setuptools, once for each state of the source; its RECORD names the sha256 of every file.
https://packaging.python.org/en/latest/specifications/binary-distribution-format/
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import finpulse_assets
from finpulse_assets.errors import ServiceError
from finpulse_assets.gateways.atomic import staged_folder

PACKAGE = Path(finpulse_assets.__file__).parent
CHECKOUT = PACKAGE.parent
PROJECT_FILES = ("pyproject.toml", "README.md", "LICENSE")
BUILD = "from setuptools import build_meta; build_meta.build_wheel('dist')"
# The zip format knows no time before; equal source gives equal bytes.
FIRST_OF_1980 = "315532800"
KEPT = 2
SHOWN_CHARACTERS = 300


def unpack_wheel(kept: Path, folder: Path, checkout: Path = CHECKOUT) -> None:
    """Unpack the wheel of the checkout into a folder, built first where `kept` has none of it.

    Args:
        kept: folder of the wheels that were built last.
        folder: to be importable from; made if absent.
        checkout: the repository.

    Raises:
        ServiceError: there is no checkout, or setuptools cannot build it.
    """
    absent = [name for name in PROJECT_FILES if not (checkout / name).is_file()]
    if absent:
        raise ServiceError(
            f"{checkout} is no checkout, it lacks {absent[0]}",
            hint="build from a checkout of the repository, installed with pip install -e",
        )
    own = kept / _digest(checkout)
    if not own.is_dir():
        _build(checkout, own)
        _prune(kept, own)
    (wheel,) = own.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(folder)


def _build(checkout: Path, target: Path) -> None:
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name)
        for path in _source(checkout):
            (copy / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(checkout / path, copy / path)
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", BUILD],
            env={**os.environ, "SOURCE_DATE_EPOCH": FIRST_OF_1980},
            cwd=copy,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            said = " ".join(done.stderr.split())[-SHOWN_CHARACTERS:]
            raise ServiceError(
                f"setuptools cannot build the wheel of {checkout}: {said}",
                hint="check that the extra `service` is installed: pip install -e '.[service]'",
            )
        with staged_folder(target) as staging:
            for wheel in (copy / "dist").glob("*.whl"):
                shutil.copy(wheel, staging)


def _source(checkout: Path) -> Iterator[Path]:
    """Yield what the wheel is built from, relative to the checkout."""
    yield from (Path(name) for name in PROJECT_FILES)
    package = checkout / PACKAGE.name
    for path in sorted(package.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path.relative_to(checkout)


def _digest(checkout: Path) -> str:
    digest = hashlib.sha256()
    for path in _source(checkout):
        content = hashlib.sha256((checkout / path).read_bytes()).hexdigest()
        digest.update(f"{path.as_posix()} {content}\n".encode())
    return digest.hexdigest()[:16]


def _prune(kept: Path, current: Path) -> None:
    others = [path for path in kept.iterdir() if path.is_dir() and path != current]
    others.sort(key=lambda path: path.stat().st_mtime)
    for folder in others[: -KEPT + 1]:
        shutil.rmtree(folder, ignore_errors=True)
