"""The bundle: the folder a service starts from, under a seal.

Which files it has, writing them, and reading them only if each is as it was written.

    model/                    the champion, sealed by its own manifest
    promotion.json            the decision: whether the champion is proven
    online_features.parquet   the newest features of every ticker
    sessions.parquet          when the sessions open since then, for a year ahead
    recent_texts.parquet      the newest texts with their scores
    manifest.json             sha256 of the four above and of model/manifest.json
"""

from __future__ import annotations

import shutil
from io import BytesIO
from pathlib import Path

import polars as pl

from finpulse_assets.domain.evaluation.promotion import Promotion
from finpulse_assets.domain.features.online import ONLINE_FEATURES
from finpulse_assets.domain.models.registry import Model
from finpulse_assets.domain.seal import REBUILD, as_json
from finpulse_assets.domain.serving.news import RECENT_TEXTS
from finpulse_assets.domain.serving.predictor import Predictor
from finpulse_assets.domain.serving.staleness import Openings
from finpulse_assets.errors import ModelError
from finpulse_assets.gateways.models.price_model_folder import load_model, save_model
from finpulse_assets.gateways.models.sealed_folder import (
    MANIFEST,
    read_sealed_bytes,
    sha256_of_file,
)

MODEL_FOLDER = "model"
PROMOTION_FILE = "promotion.json"
ONLINE_FILE = "online_features.parquet"
SESSIONS_FILE = "sessions.parquet"
TEXTS_FILE = "recent_texts.parquet"
SEALED = (f"{MODEL_FOLDER}/{MANIFEST}", PROMOTION_FILE, ONLINE_FILE, SESSIONS_FILE, TEXTS_FILE)


def predictor_of(
    model: Model,
    promotion: Promotion,
    online: pl.DataFrame,
    openings: Openings | None = None,
    texts: pl.DataFrame | None = None,
) -> Predictor:
    """Return what answers requests, after its parts are held to each other.

    Args:
        model: the champion.
        promotion: the decision that names it.
        online: `ONLINE_FEATURES`.
        openings: of the sessions; by default made from the calendar.
        texts: `RECENT_TEXTS`, by default none.

    Raises:
        ModelError: the decision names another model, there are no features, or a feature of the
            model is absent.
    """
    champion = promotion.champion
    if model.candidate_id != champion.candidate_id:
        raise ModelError(
            f"the promotion names the champion {champion.candidate_id}, the model is "
            f"{model.candidate_id or 'no candidate'}",
            hint=REBUILD,
        )
    missing = [name for name in model.features if name not in online.columns]
    if missing:
        raise ModelError(
            f"the online features lack {len(missing)} of the champion's {len(model.features)} "
            f"features: {', '.join(missing[:3])}",
            hint="train and promote a model on the present features (finpulse run)",
        )
    if online.is_empty():
        raise ModelError("the online features have 0 rows", hint=REBUILD)
    days = online["session_date"]
    openings = openings or Openings.between(min(model.trained_to, days.min()), days.max())
    texts = RECENT_TEXTS.empty() if texts is None else texts
    return Predictor(model, champion.candidate_id, champion.skills, online, openings, texts)


def write_bundle(
    folder: Path,
    model: Model,
    promotion: Promotion,
    online: pl.DataFrame,
    texts: pl.DataFrame | None = None,
) -> None:
    """Write a bundle into `folder`, made if absent; equal content gives equal bytes.

    Raises:
        ModelError: the parts do not belong together.
    """
    predictor = predictor_of(model, promotion, online, texts=texts)
    save_model(model, folder / MODEL_FOLDER)
    (folder / PROMOTION_FILE).write_bytes(promotion.to_json().encode())
    ONLINE_FEATURES.enforce(online).write_parquet(folder / ONLINE_FILE, compression="zstd")
    predictor.openings.frame.write_parquet(folder / SESSIONS_FILE, compression="zstd")
    predictor.texts.write_parquet(folder / TEXTS_FILE, compression="zstd")
    _seal(folder)


def with_features(bundle: Path, online: bytes, folder: Path) -> bool:
    """Write into `folder` a bundle with other online features, unless its own are newer.

    The model and its decision are those of the bundle; so is the calendar, which reaches beyond the
    life of a model.

    Args:
        bundle: of a whole bundle, whose seal is checked.
        online: `ONLINE_FEATURES` as Parquet.
        folder: made if absent.

    Returns:
        Whether the other features were taken.

    Raises:
        ModelError: a file of the bundle is not the one that was written.
        SchemaError: the features are not of the contract.
    """
    sealed = read_sealed_bytes(bundle, SEALED)
    newest = [
        ONLINE_FEATURES.enforce(pl.read_parquet(BytesIO(it)))["session_date"].max()
        for it in (sealed[ONLINE_FILE], online)
    ]
    if newest[1] < newest[0]:
        return False
    shutil.copytree(bundle, folder, dirs_exist_ok=True)
    (folder / ONLINE_FILE).write_bytes(online)
    _seal(folder)
    return True


def newest_features(bundle: Path) -> bytes:
    """Return the online features of a bundle as Parquet, its seal checked.

    Raises:
        ModelError: they are not what was written.
    """
    return read_sealed_bytes(bundle, (ONLINE_FILE,))[ONLINE_FILE]


def read_bundle(folder: Path) -> Predictor:
    """Return what answers requests, every file of the bundle checked first.

    Raises:
        ModelError: a file is missing or not the one that was written.
    """
    sealed = read_sealed_bytes(folder, SEALED)
    model = load_model(folder / MODEL_FOLDER)
    promotion = Promotion.from_json(sealed[PROMOTION_FILE].decode())
    online = ONLINE_FEATURES.enforce(pl.read_parquet(BytesIO(sealed[ONLINE_FILE])))
    openings = Openings(pl.read_parquet(BytesIO(sealed[SESSIONS_FILE])))
    texts = RECENT_TEXTS.enforce(pl.read_parquet(BytesIO(sealed[TEXTS_FILE])))
    return predictor_of(model, promotion, online, openings, texts)


def _seal(folder: Path) -> None:
    """Write the manifest: last, so that a write cut short leaves a folder that does not open."""
    sums = {name: sha256_of_file(folder / name) for name in SEALED}
    (folder / MANIFEST).write_bytes(as_json({"sha256": sums}).encode())
