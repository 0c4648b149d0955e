"""A price model in a folder: its files under a seal, checked at every reading."""

from __future__ import annotations

from pathlib import Path

from finpulse_assets.domain.models.candidate import CARD_FILE
from finpulse_assets.domain.models.registry import Model, family_of
from finpulse_assets.gateways.models.sealed_folder import read_sealed, write_sealed


def save_model(model: Model, folder: Path) -> None:
    """Write a model as the content of `folder`; equal models, equal bytes."""
    write_sealed(folder, model.files())


def load_model(folder: Path) -> Model:
    """Read a saved model after checking every file against the manifest.

    Raises:
        ModelError: a file is missing, differs from the manifest, or is not a model.
    """
    card = read_sealed(folder, [CARD_FILE])[CARD_FILE]
    family = family_of(card)
    return family.from_files(read_sealed(folder, family.file_names(card)))
