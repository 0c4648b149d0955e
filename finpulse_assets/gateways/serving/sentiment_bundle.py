"""The bundle of the sentiment scorer: the classifier's folder, and the numbers it computes in.

model/          the classifier, sealed by its own manifest
scorer.json     the name, dtype and fingerprint that the home's scores were made with
manifest.json   sha256 of scorer.json and of model/manifest.json
"""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from finpulse_assets.domain.seal import REBUILD, as_json
from finpulse_assets.errors import ModelError
from finpulse_assets.gateways.models.sealed_folder import (
    MANIFEST,
    read_sealed_bytes,
    sha256_of_file,
)

if TYPE_CHECKING:
    from finpulse_assets.gateways.sentiment.classifier import Classifier

MODEL_FOLDER, CARD = "model", "scorer.json"
SEALED = (f"{MODEL_FOLDER}/{MANIFEST}", CARD)


@dataclass(frozen=True)
class ScorerCard:
    """Which classifier it is: its name, the dtype of its forward pass, its fingerprint."""

    name: str
    dtype: str
    fingerprint: str


def write_sentiment_bundle(folder: Path, model: Path, card: ScorerCard) -> None:
    """Write a bundle into `folder`, made if absent; equal content gives equal bytes.

    Args:
        folder: where to.
        model: the classifier's folder, which has a manifest.
        card: what its scores are made with.
    """
    shutil.copytree(model, folder / MODEL_FOLDER, ignore=shutil.ignore_patterns(".*"))
    (folder / CARD).write_bytes(as_json(asdict(card)).encode())
    sums = {name: sha256_of_file(folder / name) for name in SEALED}
    # Last, so that a write cut short leaves a folder that does not open.
    (folder / MANIFEST).write_bytes(as_json({"sha256": sums}).encode())


def read_classifier(folder: Path) -> Classifier:
    """Return the classifier of a bundle, every file checked first; on a GPU where there is one.

    A machine with a GPU that has no use for the dtype (int8) computes on its CPU.

    Raises:
        ModelError: a file is missing or not the one that was written, or scores would not be those
            of the home.
    """
    from finpulse_assets.gateways.sentiment.arithmetic import choose_arithmetic
    from finpulse_assets.gateways.sentiment.classifier import Classifier

    card = ScorerCard(**json.loads(read_sealed_bytes(folder, SEALED)[CARD]))
    model = folder / MODEL_FOLDER
    try:
        device = choose_arithmetic(model, "auto", card.dtype).device
    except ModelError:
        device = "cpu"
    found = Classifier.load(model, device=device, dtype=card.dtype)
    if found.fingerprint != card.fingerprint:
        raise ModelError(
            f"the classifier is {found.fingerprint[:12]}, the bundle says {card.fingerprint[:12]}",
            hint=REBUILD,
        )
    return found
