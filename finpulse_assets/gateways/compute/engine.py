"""What scores blocks of texts: the protocol of engines, and the engine of this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Protocol

import polars as pl

from finpulse_assets.gateways.sentiment.classifier import Scores
from finpulse_assets.gateways.sentiment.score_store import MODEL_SCORES

# A block says who made it, where, and in which arithmetic.
ORIGIN = ("model_fingerprint", "device", "dtype", "node")
SCORED_BLOCK: Mapping[str, pl.DataType] = {**MODEL_SCORES, **dict.fromkeys(ORIGIN, pl.String())}
THIS_PROCESS = "this process"


class ScoringModel(Protocol):
    """What scoring needs of a model; `classifier.Classifier` and the tests' fake have it."""

    @property
    def fingerprint(self) -> str: ...

    def score(self, texts: list[str]) -> Scores: ...


class ScoringEngine(Protocol):
    """Scores blocks of texts, wherever its machines are.

    Attributes:
        all_at_once: whether starting costs so much that the blocks of several months should come
            in one call, all their new texts in memory.
    """

    all_at_once: bool

    def scored(self, blocks: Sequence[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        """Yield each block's scores as soon as they are made, in any order.

        Nothing is loaded or started before the first block is asked for.

        Args:
            blocks: frames of text_hash and text (normalised).

        Returns:
            SCORED_BLOCK, one frame a block, its rows in the order of the texts.

        Raises:
            ModelError: the model cannot be loaded, or refuses a text.
            ComputeError: the machines cannot be had.
        """
        ...

    def close(self) -> None:
        """End what was started."""
        ...


class LocalEngine:
    """Scores in this process, one block after the other."""

    all_at_once = False

    def __init__(self, load: Callable[[], ScoringModel]) -> None:
        """Take how the model is loaded, which is done once, for the first block."""
        self._load = load

    def scored(self, blocks: Sequence[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        for block in blocks:
            yield scored_block(self._model, block, THIS_PROCESS)

    def close(self) -> None:
        """Nothing was started."""

    @cached_property
    def _model(self) -> ScoringModel:
        return self._load()


def scored_block(model: ScoringModel, texts: pl.DataFrame, node: str) -> pl.DataFrame:
    """Return SCORED_BLOCK of a frame of text_hash and text, scored by a model on a node."""
    scores = model.score(texts["text"].to_list())
    values = {name: getattr(scores, name) for name in MODEL_SCORES if name != "text_hash"}
    made = pl.DataFrame({"text_hash": texts["text_hash"], **values}, schema=MODEL_SCORES)
    origin = (model.fingerprint, scores.device, scores.dtype, node)
    return made.with_columns(
        pl.lit(value, pl.String).alias(name) for name, value in zip(ORIGIN, origin, strict=True)
    )
