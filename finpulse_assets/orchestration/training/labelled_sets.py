"""The labelled sets of a deployment: what the sentiment model is trained on and held to."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import polars as pl

from finpulse_assets.domain.simulator import labelled_texts as simulated_sentences
from finpulse_assets.domain.texts.normalise import normalise_text
from finpulse_assets.gateways.sentiment.labelled_texts import (
    DEV,
    TRAIN,
    LabelledSet,
    labelled_set,
    read_labelled_sets,
    without_copies,
)
from finpulse_assets.settings import Settings

SIMULATED = "simulated sentences"


def labelled_sets(settings: Settings) -> list[LabelledSet]:
    """Return the labelled sets of the settings, or the simulator's own sentences.

    Model, leaderboard and check of a run ask for them; they are read once while the files stay.

    Raises:
        SourceError: a file cannot be read.
    """
    if (paths := settings.labelled_texts_path) is None:
        return list(_simulated(settings.simulator_seed))
    return list(_read(paths, tuple(_state(it) for path in paths for it in _files(path))))


def all_texts(sets: Sequence[LabelledSet]) -> pl.DataFrame:
    """Return text, label, part and set of every text."""
    return pl.concat(
        one.texts.select("text", "label", "part", set=pl.lit(one.name)) for one in sets
    )


def sets_table(sets: Sequence[LabelledSet]) -> pl.DataFrame:
    """Return a row for each labelled set: name, licence, texts of each part, what was left out."""
    rows = [
        {
            "labelled_set": one.name,
            "licence": one.licence,
            "train": one.part(TRAIN).height,
            "dev": one.part(DEV).height,
            "is_weak": one.is_weak,
            "left_out": ", ".join(f"{count} {why}" for why, count in one.left_out.items()),
        }
        for one in sets
    ]
    return pl.DataFrame(rows)


@lru_cache(maxsize=1)
def _simulated(seed: int) -> tuple[LabelledSet, ...]:
    sentences = simulated_sentences(seed).with_columns(
        pl.col("text").map_elements(normalise_text, return_dtype=pl.String),
        part=pl.lit(None, pl.String),
    )
    return tuple(without_copies([labelled_set(SIMULATED, sentences, licence="Apache-2.0")]))


@lru_cache(maxsize=1)
def _read(paths: tuple[Path, ...], state: tuple[object, ...]) -> tuple[LabelledSet, ...]:  # noqa: ARG001
    return tuple(read_labelled_sets(paths))


def _files(path: Path) -> tuple[Path, Path]:
    """Return a set's file and that of its description, which may be absent."""
    return path, path.with_suffix(".toml")


def _state(path: Path) -> tuple[int, int] | None:
    return (path.stat().st_mtime_ns, path.stat().st_size) if path.exists() else None
