"""A model folder as data: its files with their sha256, its labels, its fingerprint.

Writing and checking `manifest.json`, reading the label order, putting a finished folder in its
place. Needs no torch, so that a run with nothing to score stays light.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

from finpulse_assets.domain.serving.sentiment import LABELS
from finpulse_assets.domain.texts.normalise import NORMALISATION_VERSION
from finpulse_assets.errors import ModelError
from finpulse_assets.gateways.models.sealed_folder import MANIFEST, check_file, sha256_of_file

MAX_LENGTH = 128
SEEN = "training_texts.json"  # marks of the texts that a model was trained on

_MEANING = {name: name for name in LABELS} | {"bullish": "positive", "bearish": "negative"}


def write_manifest(folder: Path, extra: dict[str, Any] | None = None) -> None:
    """Write `manifest.json`: the sha256 of every file of a model folder, and notes.

    Args:
        folder: a model folder; an older manifest in it is replaced.
        extra: JSON notes about its origin (source, revision, training report). They are no part
            of the fingerprint.
    """
    sums = {name: sha256_of_file(path) for name, path in _files(folder).items()}
    content = {"files": sums, "notes": extra or {}}
    (folder / MANIFEST).write_text(json.dumps(content, indent=2, sort_keys=True) + "\n")


def check_manifest(folder: Path) -> dict[str, str]:
    """Return the sha256 by file name after comparing each file with `manifest.json`.

    Raises:
        ModelError: there is no manifest, or a file is missing, was changed or was added.
    """
    listed = read_manifest(folder)["files"]
    hint = f"do not use these files; delete {folder} and fetch or train the model again"
    for name in sorted(_files(folder).keys() - listed.keys()):
        raise ModelError(f"{folder / name} is not in the manifest", hint=hint)
    for name, expected in sorted(listed.items()):
        check_file(folder / name, expected, hint=hint)
    return dict(listed)


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the content of `manifest.json`: `files` (name -> sha256) and `notes`.

    Raises:
        ModelError: it is missing or is no manifest.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise ModelError(
            f"{folder} has no {MANIFEST}, so its files cannot be trusted",
            hint="give the folder to fetch_model, which copies it and writes one",
        )
    content = _read_json(path)
    if not isinstance(content.get("files"), dict) or not content["files"]:
        raise ModelError(f"{path} lists no files", hint=f"delete {folder} and fetch it again")
    return content


def read_labels(folder: Path) -> tuple[str, ...]:
    """Return the meaning of each output of the model, from `id2label` of its config.json.

    The order is a model's own (FinBERT and a bullish/bearish model differ), so it is never
    assumed.

    Raises:
        ModelError: the labels are missing or are not positive, negative and neutral.
    """
    named = _read_json(folder / "config.json").get("id2label") or {}
    found = {str(index): str(name) for index, name in named.items()}
    order = tuple(_MEANING.get(found.get(str(i), "").lower(), "") for i in range(len(found)))
    if sorted(order) != sorted(LABELS):
        listing = ", ".join(f"{i}: {name}" for i, name in sorted(found.items())) or "none"
        raise ModelError(
            f"{folder / 'config.json'} has the labels {listing}; needed are {', '.join(LABELS)} "
            "(or bullish, bearish, neutral), once each",
            hint="choose a three-way sentiment model, or name the labels in its id2label",
        )
    return order


def model_fingerprint(folder: Path, *, dtype: str = "float32", max_length: int = MAX_LENGTH) -> str:
    """Return the sha256 that stands for everything that decides a score.

    Made of the file hashes of the manifest, the label order, the dtype of the forward pass,
    `max_length` (tokens) and the version of the text normalisation; the files themselves are
    checked when they are loaded. So scores of two dtypes are those of two models, and never mix.

    Raises:
        ModelError: the manifest or the labels cannot be used.
    """
    parts = {
        "files": read_manifest(folder)["files"],
        "labels": read_labels(folder),
        "dtype": dtype,
        "max_length": max_length,
        "normalisation": NORMALISATION_VERSION,
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def publish(staging: Path, target: Path) -> None:
    """Move a finished model folder to `target`, replacing an older model there.

    Raises:
        ModelError: `target` exists and is no model folder; nothing is deleted then.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        if not (target / MANIFEST).is_file():
            raise ModelError(
                f"{target} exists and has no {MANIFEST}, so it is not replaced by a model",
                hint="move it away or choose another folder",
            )
        # Two renames: a reader finds the old model or the new one, hardly ever none.
        replaced = staging.with_name(f"{staging.name}.replaced")
        target.replace(replaced)
        staging.replace(target)
        shutil.rmtree(replaced)
    else:
        staging.replace(target)


def _files(folder: Path) -> dict[str, Path]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): path
        for path in files
        # File managers drop hidden files anywhere; no loader reads them.
        if path != folder / MANIFEST
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    }


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(
            f"{path} cannot be read as JSON: {error}",
            hint=f"delete {path.parent} and fetch or train the model again",
        ) from error
    return content if isinstance(content, dict) else {}
