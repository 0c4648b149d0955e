"""Scoring on the machines of a Ray cluster, as a Ray Data pipeline.

https://docs.ray.io/en/latest/data/batch_inference.html

Actors hold the model. Its files travel through Ray's object store, so the machines need FinPulse
and no shared folder. A block is scored as a whole, as in one process: the batches are the same,
and so are the scores. What is lost with a machine is scored again by those that are left.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import polars as pl

from finpulse_assets import errors
from finpulse_assets.errors import ComputeError, FinPulseError
from finpulse_assets.gateways.compute.engine import SCORED_BLOCK, scored_block
from finpulse_assets.gateways.models.sealed_folder import MANIFEST
from finpulse_assets.gateways.sentiment.arithmetic import Arithmetic
from finpulse_assets.gateways.sentiment.classifier import Classifier
from finpulse_assets.gateways.sentiment.manifest import check_manifest

# Actors are asked for all at once and loaded before the first text: a cluster without room for them
# says so after this time, instead of waiting for a machine that may never come.
START_SECONDS = 600
QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",  # Ray reports its use to its makers otherwise
    "RAY_DATA_DISABLE_PROGRESS_BARS": "1",
    "RAY_BACKEND_LOG_LEVEL": "fatal",  # what is wrong is raised as well
    "RAY_raylet_start_wait_time_s": "180",  # a busy machine takes more than Ray's 30 s
}
# Read when ray is imported: without it a Ray of this machine alone listens on every interface.
LOOPBACK_ONLY = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}


@dataclass
class RayEngine:
    """Scores by actors of Ray; connects, or starts a local Ray, when the first block is asked for.

    Attributes:
        model: folder of the model, checked against its manifest here and by every actor.
        arithmetic: of the actors; on "cuda" with GPUs.
        address: of the cluster, as "host:6379"; None starts a Ray of this machine, on loopback.
        actors: how many hold the model, one CPU each.
        gpus_per_actor: GPUs of an actor; a fraction shares one.
    """

    model: Path
    arithmetic: Arithmetic
    address: str | None = None
    actors: int = 2
    gpus_per_actor: float = 0.0
    all_at_once: bool = field(default=True, init=False)  # every pipeline loads the model anew
    _is_connected: bool = field(default=False, init=False)

    def scored(self, blocks: Sequence[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        if not blocks:
            return
        files = _files_of(self.model)
        ray = self._connected()
        stored = ray.put(files)  # held to the end: an actor that starts again asks for it again
        from ray.data import ActorPoolStrategy, DataContext, from_arrow

        # Ray Data prints every error with pages of its own traceback; it is raised as well.
        logging.getLogger("ray.data").setLevel(logging.CRITICAL)
        DataContext.get_current().wait_for_min_actors_s = START_SECONDS
        pipeline = from_arrow([block.to_arrow() for block in blocks]).map_batches(
            _Actor,
            fn_constructor_args=(stored, self.arithmetic),
            batch_size=None,  # a whole block
            batch_format="pyarrow",
            compute=ActorPoolStrategy(size=self.actors),
            num_cpus=1,
            num_gpus=self.gpus_per_actor or None,
        )
        try:
            for made in pipeline.iter_batches(batch_size=None, batch_format="pyarrow"):
                yield pl.DataFrame(made).cast(dict(SCORED_BLOCK))
        except ray.exceptions.RayError as error:
            raise _translated(error, self) from error

    def close(self) -> None:
        """Leave the cluster; a Ray that was started for this ends."""
        if self._is_connected:
            import ray

            ray.shutdown()
            self._is_connected = False

    def _connected(self) -> Any:
        """Return the module `ray`, connected.

        Raises:
            ComputeError: ray is not installed, nothing answers at the address, or the cluster has
                less room than one actor needs.
        """
        os.environ.update(QUIET | (LOOPBACK_ONLY if self.address is None else {}))
        try:
            import ray
        except ImportError as error:
            raise ComputeError(
                "FINPULSE_SCORING_ENGINE is ray, and the package ray is not installed",
                hint="pip install -e '.[ray]', or set it to local",
            ) from error
        if not self._is_connected:
            # One CPU more than the actors hold: the pipeline itself has tasks.
            connect(ray, self.address, cpus=self.actors + 1)
            self._is_connected = True
            self.check_room(ray.cluster_resources())
        return ray

    def check_room(self, has: dict[str, float]) -> None:
        needs = {"CPU": self.actors, "GPU": self.actors * self.gpus_per_actor}
        for kind, count in needs.items():
            if has.get(kind, 0) < count:
                raise ComputeError(
                    f"{self.actors} actors need {count:g} {kind}, the Ray cluster has "
                    f"{has.get(kind, 0):g}",
                    hint="lower FINPULSE_RAY_ACTORS or FINPULSE_RAY_GPUS_PER_ACTOR",
                )


def connect(ray: Any, address: str | None, *, cpus: int) -> None:
    """Connect to a cluster, or start a Ray of this machine, on loopback.

    Args:
        ray: the module.
        address: of the cluster, as "host:6379"; None starts one.
        cpus: of a Ray that is started.

    Raises:
        ComputeError: it does not start, or nothing answers at the address.
    """
    options: dict[str, object] = {"address": address}
    if address is None:
        options = {"address": "local", "num_cpus": cpus, "include_dashboard": False}
    try:
        ray.init(**options, log_to_driver=False, logging_level="ERROR")
    except Exception as error:  # a start that takes too long is a bare Exception of Ray's
        first = str(error).strip().splitlines()[0]
        if address is None:
            raise ComputeError(
                f"Ray does not start on this machine: {first}",
                hint="run again when the machine is less busy, or use the engine local",
            ) from error
        raise ComputeError(
            f"there is no Ray at {address}: {first}",
            hint="FINPULSE_RAY_ADDRESS is host:port of the head; unset it for a local Ray",
        ) from error


class _Actor:
    """Holds the model on some machine; the folder of its files lasts as long as the loading."""

    def __init__(self, files: Any, arithmetic: Arithmetic) -> None:
        import ray

        with TemporaryDirectory(prefix="finpulse-model-") as folder:
            for name, content in ray.get(files).items():
                path = Path(folder) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                content.tofile(path)
            self._classifier = Classifier.load(
                Path(folder), device=arithmetic.device, dtype=arithmetic.dtype
            )
        self._node = ray.get_runtime_context().get_node_id()

    def __call__(self, texts: Any) -> Any:
        return scored_block(self._classifier, pl.DataFrame(texts), self._node).to_arrow()


def _files_of(folder: Path) -> dict[str, np.ndarray]:
    """Return the bytes of a model's files by name, as arrays, which actors read without a copy.

    Raises:
        ModelError: a file is missing or was changed.
    """
    names = [*check_manifest(folder), MANIFEST]
    return {name: np.fromfile(folder / name, dtype=np.uint8) for name in names}


def _translated(error: Exception, engine: RayEngine) -> FinPulseError:
    """Return the error of ours that an actor raised, else what Ray says in one sentence.

    An actor's error arrives as text, inside an error of Ray's with the actor's traceback.
    """
    if ours := re.findall(r"finpulse_assets\.errors\.(\w+): (.+)", str(error)):
        name, said = ours[-1]
        return getattr(errors, name)(said)
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return ComputeError(
        f"Ray at {engine.address or 'this machine'} failed: {lines[-1]}",
        hint="what was scored before is kept; run again",
    )
