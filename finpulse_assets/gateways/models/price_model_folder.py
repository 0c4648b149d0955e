"""A price model in a folder: its files under a seal, checked at every reading."""

from __future__ import annotations

from pathlib import Path

from finpulse_assets.domain.models.lightgbm_model import FILES, PriceModel
from finpulse_assets.gateways.models.sealed_folder import read_sealed, write_sealed


def save_model(model: PriceModel, folder: Path) -> None:
    """Write a model into `folder`, made if absent; equal models, equal bytes."""
    write_sealed(folder, model.files())


def load_model(folder: Path) -> PriceModel:
    """Read a saved model after checking every file against the manifest.

    Raises:
        ModelError: a file is missing, differs from the manifest, or is not a model.
    """
    return PriceModel.from_files(read_sealed(folder, FILES))
