"""Fetching a sentiment model once: from a folder or a model hub into the models folder.

Which files are taken, their download at a pinned revision, the one conversion of old
`pytorch_model.bin` weights, the manifest. Plain HTTP on the hub's paths, so that a mirror or a file
server works as well.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from finpulse_assets.errors import ModelError
from finpulse_assets.gateways.models.sealed_folder import sha256_of_file
from finpulse_assets.gateways.sentiment.calibration import CALIBRATION
from finpulse_assets.gateways.sentiment.companion import TERMS, WEIGHTS
from finpulse_assets.gateways.sentiment.conversion import convert_to_safetensors
from finpulse_assets.gateways.sentiment.manifest import (
    MANIFEST,
    SEEN,
    publish,
    read_labels,
    write_manifest,
)

if TYPE_CHECKING:
    import requests

SAFETENSORS = "model.safetensors"
TORCH_PICKLE = "pytorch_model.bin"
CONFIG = "config.json"
VOCABULARIES = ("tokenizer.json", "vocab.txt", "vocab.json")
TOKENIZER_FILES = (
    *VOCABULARIES,
    "merges.txt",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
)
# What a model that was trained here has beside its weights.
TRAINED_FILES = (CALIBRATION, TERMS, WEIGHTS, SEEN)
TIMEOUT_SECONDS = (10, 60)

_HUB_ID = re.compile(r"[\w-][\w.-]*(?:/[\w-][\w.-]*)?")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_OFFLINE_HINT = (
    "check the network and the endpoint; offline, train the default model or give a folder"
)


def fetch_model(
    model: str,
    *,
    revision: str | None,
    models_dir: Path,
    endpoint: str = "https://huggingface.co",
    token: str | None = None,
    needs_labels: bool = True,
) -> Path:
    """Return the folder of a model, fetching it first if it is not there.

    Args:
        model: an existing folder, or a hub id such as "ProsusAI/finbert".
        revision: the hub's commit; None takes "main" as it is at the first call.
        models_dir: models lie under `<models_dir>/sentiment/<name>@<revision>`; a folder's
            revision is the hash of its files.
        endpoint: address of the hub or of a mirror with the same paths.
        token: sent to the endpoint only, for private or gated models.
        needs_labels: False for an encoder, which is to be trained.

    Raises:
        ModelError: the model is not found, is not readable without unpickling code, or the
            network fails. Nothing half-made is left behind.
    """
    source = Path(model).expanduser()
    if source.is_dir():
        name, mark = source.resolve().name, _folder_mark(source)
    elif _HUB_ID.fullmatch(model):
        name, mark = model.replace("/", "--"), _revision_mark(revision or "main")
    else:
        raise ModelError(
            f"{model} is neither a folder nor the id of a model",
            hint="give an existing folder or an id such as ProsusAI/finbert",
        )
    target = models_dir / "sentiment" / f"{name}@{mark}"
    if (target / MANIFEST).is_file():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=target.parent, prefix=".fetch-") as temporary:
        staging = Path(temporary) / "model"
        staging.mkdir()
        if source.is_dir():
            notes = _copy(source, staging)
        else:
            notes = _download(model, revision or "main", endpoint, token, staging)
        _finish(model, staging, notes)
        if needs_labels:
            read_labels(staging)
        publish(staging, target)
    return target


def _revision_mark(revision: str) -> str:
    return revision[:12] if _COMMIT.fullmatch(revision) else revision.replace("/", "--")


def _folder_mark(source: Path) -> str:
    digest = hashlib.sha256()
    for name in (CONFIG, *TOKENIZER_FILES, *TRAINED_FILES, SAFETENSORS, TORCH_PICKLE):
        if (source / name).is_file():
            digest.update(f"{name}:{sha256_of_file(source / name)}\n".encode())
    return digest.hexdigest()[:12]


def _copy(source: Path, staging: Path) -> dict[str, Any]:
    weights = SAFETENSORS if (source / SAFETENSORS).is_file() else TORCH_PICKLE
    for name in (CONFIG, *TOKENIZER_FILES, *TRAINED_FILES, weights):
        if (source / name).is_file():
            shutil.copyfile(source / name, staging / name)
    return {"model": source.resolve().name}


def _download(
    model: str, revision: str, endpoint: str, token: str | None, staging: Path
) -> dict[str, Any]:
    import requests

    address = f"{endpoint.rstrip('/')}/{model}/resolve"
    with requests.Session() as session:
        session.mount("https://", requests.adapters.HTTPAdapter(max_retries=3))
        if token:
            session.headers["Authorization"] = f"Bearer {token}"
        commit = _get(session, f"{address}/{revision}/{CONFIG}", staging / CONFIG)
        if commit is None:
            raise ModelError(
                f"{model} has no {CONFIG} at revision {revision} on {endpoint}",
                hint="check the id and the revision",
            )
        # A branch may move between two files; its commit does not.
        pinned = f"{address}/{commit or revision}"
        for name in TOKENIZER_FILES:
            _get(session, f"{pinned}/{name}", staging / name)
        if _get(session, f"{pinned}/{SAFETENSORS}", staging / SAFETENSORS) is None:
            _get(session, f"{pinned}/{TORCH_PICKLE}", staging / TORCH_PICKLE)
    return {"model": model, "endpoint": endpoint, "revision": commit or revision}


def _get(session: requests.Session, url: str, path: Path) -> str | None:
    """Download one file; return the commit that the hub names ("" if none), None for a 404."""
    import requests

    try:
        with session.get(url, stream=True, timeout=TIMEOUT_SECONDS) as response:
            if response.status_code == 404:
                return None
            if response.status_code in (401, 403):
                raise ModelError(
                    f"{url} is refused with status {response.status_code}",
                    hint="check the id, accept the model's terms, or set a token",
                )
            response.raise_for_status()
            digest = hashlib.sha256()
            with path.open("wb") as file:
                for block in response.iter_content(1 << 20):
                    file.write(block)
                    digest.update(block)
            # A large file comes by a redirect; the hub's own answer carries commit and sha256.
            hub_headers = (response.history or [response])[0].headers
            _check_download(url, response, path.stat().st_size, digest.hexdigest(), hub_headers)
            return str(hub_headers.get("X-Repo-Commit", ""))
    except requests.RequestException as error:
        raise ModelError(
            f"{url} cannot be fetched ({type(error).__name__})", hint=_OFFLINE_HINT
        ) from error


def _check_download(
    url: str, response: requests.Response, size: int, sha256: str, hub_headers: Any
) -> None:
    promised = response.headers.get("Content-Length")
    is_plain = "Content-Encoding" not in response.headers
    if promised and is_plain and int(promised) != size:
        raise ModelError(f"{url} ended after {size} of {promised} bytes", hint="fetch it again")
    linked = hub_headers.get("X-Linked-ETag", "").strip('"')
    if _SHA256.fullmatch(linked) and linked != sha256:
        raise ModelError(
            f"{url} has sha256 {sha256[:12]}, the hub says {linked[:12]}", hint="fetch it again"
        )


def _finish(model: str, staging: Path, notes: dict[str, Any]) -> None:
    if not any((staging / name).is_file() for name in VOCABULARIES):
        raise ModelError(
            f"{model} has no tokenizer ({', '.join(VOCABULARIES)})",
            hint="copy the tokenizer of its base model beside the weights",
        )
    if not (staging / SAFETENSORS).is_file():
        pickled = staging / TORCH_PICKLE
        if not pickled.is_file():
            raise ModelError(
                f"{model} has neither {SAFETENSORS} nor {TORCH_PICKLE}",
                hint="sharded or other weights are not read; choose a model in one file",
            )
        notes = notes | {"converted_from": {TORCH_PICKLE: sha256_of_file(pickled)}}
        convert_to_safetensors(pickled, staging / SAFETENSORS)
        pickled.unlink()
    write_manifest(staging, notes)
