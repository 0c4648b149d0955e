"""Where a store keeps the service's bentos, which is the newest, and where its bundle lies."""

from __future__ import annotations

from pathlib import Path

NAME = "price_predictor"


def bentos_of(root: Path) -> Path:
    """Return the folder of the service's bentos in a store."""
    return root / "bentos" / NAME


def newest_version(bentos: Path) -> str:
    """Return the version that was built, or chosen again, last; "" where there is none."""
    try:
        version = (bentos / "latest").read_text().strip()
    except OSError:
        return ""
    return version if version and is_built(bentos / version) else ""


def is_built(bento: Path) -> bool:
    """Return whether the folder holds a whole bento."""
    return (bento / "bento.yaml").exists()


def bundle_of(bento: Path) -> Path:
    """Return the bundle in the folder of a built bento."""
    return bento / "src" / "bentos" / NAME / "bundle"
