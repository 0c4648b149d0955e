"""The sentiment model of a deployment: which one the settings mean, made or fetched once.

The choice, and the pointer to the folder in use.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from finpulse_assets.domain.simulator import labelled_texts as simulated_sentences
from finpulse_assets.domain.texts.normalise import normalise_text
from finpulse_assets.errors import ModelError
from finpulse_assets.gateways.atomic import write_json
from finpulse_assets.gateways.sentiment.arithmetic import Arithmetic, choose_arithmetic
from finpulse_assets.gateways.sentiment.classifier import Classifier
from finpulse_assets.gateways.sentiment.hub import fetch_model
from finpulse_assets.gateways.sentiment.labelled_texts import read_labelled_texts
from finpulse_assets.gateways.sentiment.manifest import MANIFEST, model_fingerprint, read_manifest
from finpulse_assets.gateways.sentiment.parity import Parity, admit, parity_of
from finpulse_assets.gateways.sentiment.recipe import recipe_id
from finpulse_assets.gateways.sentiment.training import (
    minilm_available,
    train_on_minilm,
    train_tiny,
)
from finpulse_assets.settings import Profile, Settings

FINBERT = "ProsusAI/finbert"
FINBERT_REVISION = "4556d13015211d73dccd3fdd39d39232506f3e43"
TRAINED = {"minilm": train_on_minilm, "tiny": train_tiny}


@dataclass(frozen=True)
class SentimentModel:
    """The classifier in use: its folder, fingerprint, arithmetic, and what its quality is."""

    name: str
    folder: Path
    fingerprint: str
    report: Mapping[str, object]
    arithmetic: Arithmetic

    def load(self) -> Classifier:
        """Load the classifier, every file checked against its manifest."""
        return Classifier.load(
            self.folder, device=self.arithmetic.device, dtype=self.arithmetic.dtype
        )


def chosen_model(settings: Settings) -> str:
    """Return "minilm", "tiny", a folder or a hub id; "auto" is settled here."""
    if settings.sentiment_model != "auto":
        return settings.sentiment_model
    if settings.profile is Profile.LIVE:
        return FINBERT
    return "minilm" if minilm_available() else "tiny"


def make_sentiment_model(settings: Settings, labelled: pl.DataFrame) -> SentimentModel:
    """Train or fetch the chosen model unless it lies there already, and point to it.

    Args:
        settings: which model.
        labelled: `text` and `label`, for a model that is trained.
    """
    name = chosen_model(settings)
    if name in TRAINED:
        mark = recipe_id(labelled, {"recipe": name})[:12]
        folder = settings.models / "sentiment" / f"{name}-{mark}"
        if not (folder / MANIFEST).is_file():
            TRAINED[name](labelled, folder)
    else:
        folder = fetch_model(
            name,
            revision=_revision(name, settings),
            models_dir=settings.models,
            endpoint=settings.hub_endpoint,
            token=settings.hub_token.get_secret_value() if settings.hub_token else None,
        )
    model = _described(name, folder, settings)
    write_json(_pointer(settings), {"name": model.name, "folder": folder.name})
    return model


def current_sentiment_model(settings: Settings) -> SentimentModel:
    """Return the model that `make_sentiment_model` pointed to last.

    Raises:
        ModelError: there is none yet.
    """
    pointer = _pointer(settings)
    if not pointer.exists():
        raise ModelError(
            "there is no sentiment model yet", hint="materialize models/sentiment_model"
        )
    named = json.loads(pointer.read_text())
    return _described(named["name"], pointer.parent / named["folder"], settings)


def parity_report(model: SentimentModel, settings: Settings) -> Parity | None:
    """Return how the arithmetic of a model differs from float32; None for full precision."""
    if model.arithmetic.is_full_precision:
        return None
    return parity_of(model.folder, model.arithmetic, lambda: _parity_texts(settings))


def admitted(model: SentimentModel, settings: Settings) -> SentimentModel:
    """Return the model, its arithmetic having passed the parity gate.

    Raises:
        ModelError: it did not.
    """
    admit(model.folder, model.arithmetic, lambda: _parity_texts(settings))
    return model


def _parity_texts(settings: Settings) -> list[str]:
    return labelled_texts(settings)["text"].to_list()


def _described(name: str, folder: Path, settings: Settings) -> SentimentModel:
    arithmetic = choose_arithmetic(folder, settings.device, settings.scoring_dtype)
    return SentimentModel(
        name=name,
        folder=folder,
        fingerprint=model_fingerprint(folder, dtype=arithmetic.dtype),
        report=read_manifest(folder)["notes"],
        arithmetic=arithmetic,
    )


def _pointer(settings: Settings) -> Path:
    return settings.models / "sentiment" / "current.json"


def _revision(name: str, settings: Settings) -> str | None:
    if settings.sentiment_revision is None and name == FINBERT:
        return FINBERT_REVISION
    is_folder = Path(name).expanduser().is_dir()
    if settings.sentiment_revision is None and not is_folder:
        raise ModelError(
            f"the model {name} has no revision, and a moving one cannot be trusted",
            hint="set FINPULSE_SENTIMENT_REVISION to a commit of the hub",
        )
    return settings.sentiment_revision


def labelled_texts(settings: Settings) -> pl.DataFrame:
    """Return the sentences to train on: the file of the settings, or the simulator's own."""
    if settings.labelled_texts_path is not None:
        return read_labelled_texts(settings.labelled_texts_path)
    sentences = simulated_sentences(settings.simulator_seed)
    return sentences.with_columns(
        pl.col("text").map_elements(normalise_text, return_dtype=pl.String)
    )
