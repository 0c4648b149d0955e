"""Where a store keeps a service's bentos, which is the newest, and where its bundle lies."""

from __future__ import annotations

from pathlib import Path

PRICE, SENTIMENT = "price_predictor", "sentiment_scorer"


def bentos_of(root: Path, name: str = PRICE) -> Path:
    """Return the folder of a service's bentos in a store."""
    return root / "bentos" / name


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


def bundle_of(bento: Path, name: str = PRICE) -> Path:
    """Return the bundle in the folder of a built bento of a service."""
    return bento / "src" / "bentos" / name / "bundle"
