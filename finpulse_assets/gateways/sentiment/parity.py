"""The parity gate: how far a reduced arithmetic is from float32, and whether it is admitted.

The report is made once for a model, an arithmetic and a release of torch, and kept beside the
model's folder as `<folder>.<dtype>-<device>.json`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path

import numpy as np

from finpulse_assets.domain.texts.normalise import text_hash
from finpulse_assets.errors import ModelError
from finpulse_assets.gateways.atomic import write_json
from finpulse_assets.gateways.sentiment.arithmetic import Arithmetic
from finpulse_assets.gateways.sentiment.classifier import Classifier
from finpulse_assets.gateways.sentiment.manifest import MAX_LENGTH, model_fingerprint

SAMPLE_TEXTS = 256
# Labels: two models of the published leaderboards lie two points and more apart; a format that
# flips more than one label in fifty makes another model of the one that was evaluated.
MAX_FLIPPED_SHARE = 0.02
# Probabilities: a text whose label stays may still move a session's mean. The largest change of
# any one text is held to a tenth, below which a mean of ten texts moves by at most a hundredth.
MAX_PROBABILITY_CHANGE = 0.1


@dataclass(frozen=True)
class Parity:
    """How a reduced arithmetic differs from float32 on a fixed sample of texts.

    `flipped` counts texts whose most probable label changes in batches of one size or of a
    quarter of it; the changes are of any probability of any text, from float32 and, as
    `largest_change_by_batch`, between the two sizes.
    """

    fingerprint: str
    device: str
    dtype: str
    torch: str
    texts: int
    flipped: int
    largest_change: float
    mean_change: float
    largest_change_by_batch: float
    times_faster: float

    @property
    def flipped_share(self) -> float:
        return self.flipped / self.texts

    @property
    def is_admitted(self) -> bool:
        return (
            self.flipped_share <= MAX_FLIPPED_SHARE
            and self.largest_change <= MAX_PROBABILITY_CHANGE
        )

    def __str__(self) -> str:
        return (
            f"{self.dtype} on {self.device}: {self.flipped_share:.1%} of {self.texts} labels flip "
            f"(admitted {MAX_FLIPPED_SHARE:.0%}), the largest change of a probability is "
            f"{self.largest_change:.3f} (admitted {MAX_PROBABILITY_CHANGE})"
        )


def parity_of(
    folder: Path,
    arithmetic: Arithmetic,
    sample: Callable[[], Sequence[str]],
    *,
    max_length: int = MAX_LENGTH,
) -> Parity:
    """Return the report of a reduced arithmetic: the one that is kept, or one made and kept now.

    Args:
        folder: of the model.
        arithmetic: a reduced one.
        sample: returns normalised texts, the same in every run; asked only if a report is made.
        max_length: tokens read of a text.

    Raises:
        ModelError: the model cannot be loaded, or the sample is empty.
    """
    kept = folder.with_name(f"{folder.name}.{arithmetic.dtype}-{arithmetic.device}.json")
    fingerprint = model_fingerprint(folder, dtype=arithmetic.dtype, max_length=max_length)
    release = version("torch")
    held = _read(kept)
    if held and (held.fingerprint, held.torch) == (fingerprint, release):
        return held
    texts = parity_sample(sample())
    options = {"device": arithmetic.device, "max_length": max_length}
    full = Classifier.load(folder, dtype="float32", **options)
    expected = full.score(texts)
    del full  # two models of the size of FinBERT need not lie in memory at once
    reduced = Classifier.load(folder, dtype=arithmetic.dtype, **options)
    found = reduced.score(texts)
    other = replace(reduced, token_budget=max(max_length, reduced.token_budget // 4)).score(texts)
    report = Parity(
        fingerprint=fingerprint,
        device=arithmetic.device,
        dtype=arithmetic.dtype,
        torch=release,
        times_faster=found.texts_per_second / expected.texts_per_second,
        **_differences(expected.probabilities, found.probabilities, other.probabilities),
    )
    write_json(kept, asdict(report))
    return report


def admit(
    folder: Path,
    arithmetic: Arithmetic,
    sample: Callable[[], Sequence[str]],
    *,
    max_length: int = MAX_LENGTH,
) -> Parity | None:
    """Return the report of an arithmetic that is admitted; None for full precision.

    Raises:
        ModelError: it is too far from float32. Nothing else is used in its place.
    """
    if arithmetic.is_full_precision:
        return None
    report = parity_of(folder, arithmetic, sample, max_length=max_length)
    if not report.is_admitted:
        raise ModelError(
            f"the model {folder.name} is refused in {report}",
            hint="set FINPULSE_SCORING_DTYPE to float32 or to another reduced dtype",
        )
    return report


def parity_sample(texts: Sequence[str]) -> list[str]:
    """Return the texts to compare on: short ones, and every eighth one made long.

    The first SAMPLE_TEXTS distinct texts in the order of their hashes: as good as by chance, and
    the same in every run. A long one is eight texts in a row.

    Raises:
        ModelError: there is no text.
    """
    chosen = sorted(set(texts), key=text_hash)[:SAMPLE_TEXTS]
    if not chosen:
        raise ModelError("there is no text to compare arithmetics on", hint="give labelled texts")
    return [
        " ".join(chosen[at : at + 8]) if at % 8 == 0 else text for at, text in enumerate(chosen)
    ]


def _differences(
    expected: np.ndarray, found: np.ndarray, other: np.ndarray
) -> dict[str, int | float]:
    flips = (expected.argmax(axis=1) != found.argmax(axis=1)) | (
        expected.argmax(axis=1) != other.argmax(axis=1)
    )
    change = np.maximum(np.abs(found - expected), np.abs(other - expected))
    return {
        "texts": len(expected),
        "flipped": int(flips.sum()),
        "largest_change": float(change.max()),
        "mean_change": float(change.mean()),
        "largest_change_by_batch": float(np.abs(other - found).max()),
    }


def _read(path: Path) -> Parity | None:
    """Return a kept report, or None where there is none that this code has written."""
    try:
        return Parity(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
