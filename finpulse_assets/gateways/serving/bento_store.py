"""The bento store: a service packed as bentos, the newest of which is served.

What goes into a bento, building it with BentoML, and finding it again.
https://docs.bentoml.com/en/latest/get-started/packaging-for-deployment.html

A bento's version is the sha256 of all that goes into it: the same champion, features and source
are never built twice. BentoML runs in a process of its own, for it reads BENTOML_HOME at import and
imports the service from the folder that is packed.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib import metadata
from pathlib import Path

from finpulse_assets.errors import ServiceError
from finpulse_assets.gateways.atomic import written_atomically
from finpulse_assets.gateways.serving.rollout import read_rollout, rollout_of
from finpulse_assets.gateways.serving.store_layout import (
    PRICE,
    SENTIMENT,
    bentos_of,
    bundle_of,
    is_built,
    newest_version,
)
from finpulse_assets.gateways.serving.wheel import CHECKOUT, unpack_wheel

BENTOFILE = "bentofile.yaml"
# What names a bundle beside the bento's own; read by the services.
BUNDLE_VARIABLES = {PRICE: "FINPULSE_SERVICE_HOME", SENTIMENT: "FINPULSE_SENTIMENT_BUNDLE"}
ASSETS = {PRICE: "serving/price_bento", SENTIMENT: "serving/sentiment_bento"}
SERVICES = CHECKOUT / "bentos"
# Source of other services that a service imports, to call them.
CALLS = {PRICE: (SENTIMENT,), SENTIMENT: ()}
VERSION_LENGTH = 16
KEPT = {PRICE: 5, SENTIMENT: 2}  # a sentiment model has 90 MB or more
SHOWN_CHARACTERS = 300


class Flavour(StrEnum):
    """Which image: plain, or one that asks its host for a GPU."""

    CPU = "cpu"
    GPU = "gpu"


@dataclass(frozen=True)
class Bento:
    """A built bento in the store."""

    tag: str
    folder: Path

    @property
    def bundle(self) -> Path:
        return bundle_of(self.folder, self.tag.partition(":")[0])


@dataclass(frozen=True)
class BentoStore:
    """The bentos of the service `name` below `root`, which BentoML calls BENTOML_HOME."""

    root: Path
    name: str = PRICE

    @property
    def environment(self) -> dict[str, str]:
        """What a BentoML process needs to use this store: no telemetry, no spinning threads."""
        # A built bento serves its own bundle, whatever the caller's shell has set.
        own_bundle = BUNDLE_VARIABLES[self.name]
        inherited = {name: value for name, value in os.environ.items() if name != own_bundle}
        own = {"BENTOML_HOME": str(self.root), "BENTOML_DO_NOT_TRACK": "True"}
        return {"OMP_WAIT_POLICY": "PASSIVE", **inherited, **own}

    def newest(self) -> Bento:
        """Return the bento that was built, or chosen again, last.

        Raises:
            ServiceError: there is none yet.
        """
        version = newest_version(self._bentos)
        if not version:
            raise ServiceError(
                f"there is no bento {self.name} in {self.root}",
                hint=f"materialize {ASSETS[self.name]} (finpulse run)",
            )
        return self._bento(version)

    def keep(
        self, bundle: Path, *, flavour: Flavour = Flavour.CPU, labels: Mapping[str, str]
    ) -> tuple[Bento, bool]:
        """Return the bento of a bundle, now the newest, and whether it had to be built.

        Args:
            bundle: a folder of `serving_bundle.write_bundle`.
            flavour: of its image.
            labels: shown by `bentoml get`; at most 63 letters, digits, dots and dashes each.

        Raises:
            ServiceError: the service's source is absent, or BentoML cannot build it.
        """
        # BentoML's own folder for builds; what lies there was left by one that was killed.
        workplace = self.root / "tmp"
        shutil.rmtree(workplace, ignore_errors=True)
        workplace.mkdir(parents=True)
        with tempfile.TemporaryDirectory(dir=workplace) as name:
            staged = Path(name)
            self._stage(bundle, staged)
            version = _content_hash(staged, flavour)[:VERSION_LENGTH]
            is_new = not self._is_built(version)
            if is_new:
                self._build(staged, version, flavour, labels)
        with written_atomically(self._bentos / "latest") as temporary:
            temporary.write_text(version)
        self._prune(version)
        return self._bento(version), is_new

    def versions(self) -> list[Bento]:
        """Return the built bentos, the newest first."""
        built = [path for path in self._bentos.glob("*") if is_built(path)]
        built.sort(key=lambda path: (_built_at(path), path.name), reverse=True)
        return [self._bento(path.name) for path in built]

    @property
    def _bentos(self) -> Path:
        return bentos_of(self.root, self.name)

    def _bento(self, version: str) -> Bento:
        return Bento(f"{self.name}:{version}", self._bentos / version)

    def _is_built(self, version: str) -> bool:
        return is_built(self._bentos / version)

    def _build(
        self, staged: Path, version: str, flavour: Flavour, labels: Mapping[str, str]
    ) -> None:
        # Left by a build that was killed: BentoML refuses a version whose folder exists.
        shutil.rmtree(self._bentos / version, ignore_errors=True)
        options = [f"--label={name}={value}" for name, value in sorted(labels.items())]
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "bentoml", "build", str(staged),
             "--bentofile", str(staged / BENTOFILE), "--version", version,
             "--arg", f"flavour={flavour}", "--output", "tag", *options],
            env=self.environment,
            cwd=staged,
            capture_output=True,
            text=True,
            check=False,
        )  # fmt: skip
        if done.returncode or not self._is_built(version):
            said = " ".join((done.stderr.strip() or done.stdout).split())
            raise ServiceError(
                f"BentoML cannot build {self.name}:{version}: {said[-SHOWN_CHARACTERS:]}",
                hint="check that the extra `service` is installed: pip install -e '.[service]'",
            )

    def _stage(self, bundle: Path, folder: Path) -> None:
        """Lay out what is packed: the service, the wheel of FinPulse unpacked, the bundle."""
        source = SERVICES / self.name
        if not source.is_dir():
            raise ServiceError(
                f"the source of the service, {source}, is absent",
                hint="build from a checkout of the repository, installed with pip install -e",
            )
        skipped = shutil.ignore_patterns("__pycache__", "bundle", BENTOFILE)
        for name in (self.name, *CALLS[self.name]):
            shutil.copytree(SERVICES / name, folder / "bentos" / name, ignore=skipped)
        shutil.copy(SERVICES / "__init__.py", folder / "bentos")
        shutil.copytree(bundle, folder / "bentos" / self.name / "bundle")
        unpack_wheel(self.root / "wheels", folder)
        (folder / BENTOFILE).write_text(_pinned(source, _packages_of(bundle, self.name)))

    def _prune(self, current: str) -> None:
        """Drop all but the newest few, and those that the roll-out names."""
        named = read_rollout(rollout_of(self._bentos)).named
        built = [it.folder for it in reversed(self.versions()) if it.folder.name not in named]
        built.sort(key=lambda path: path.name == current)
        for folder in built[: -KEPT[self.name]]:
            shutil.rmtree(folder, ignore_errors=True)


def _packages_of(bundle: Path, name: str) -> Collection[str]:
    """Return what the model of a bundle needs beside the usual packages."""
    if name != PRICE:
        return ()
    # Half a second that a command need not wait that builds nothing.
    from finpulse_assets.gateways.models.price_model_folder import load_model
    from finpulse_assets.gateways.serving.bundle import MODEL_FOLDER

    return load_model(bundle / MODEL_FOLDER).packages


def _pinned(source: Path, further: Collection[str]) -> str:
    """Return the bentofile with each package at its installed version, the one that was tried.

    `further` are the packages that the model needs beside.
    """
    import yaml

    content = yaml.safe_load((source / BENTOFILE).read_text())
    # As text: BentoML opens no file whose path has a hidden folder in it.
    content["description"] = (source / "README.md").read_text()
    packages = [*content["python"]["packages"], *further]
    content["python"]["packages"] = [f"{name}=={_version(name)}" for name in packages]
    return yaml.safe_dump(content, sort_keys=True)


def _version(package: str) -> str:
    """Return the installed version as an index has it: without the mark of a local build."""
    return metadata.version(package).partition("+")[0]


def _built_at(folder: Path) -> str:
    """Return when BentoML built a bento (ISO, UTC), as it says itself; "" where it does not."""
    found = re.search(r"^creation_time: '(.+)'$", (folder / "bento.yaml").read_text(), re.MULTILINE)
    return found[1] if found else ""


def _content_hash(folder: Path, flavour: Flavour) -> str:
    digest = hashlib.sha256(flavour.encode())
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"\n{path.relative_to(folder).as_posix()} {content}".encode())
    return digest.hexdigest()
