"""Scoring texts: by the sentiment model and by VADER, each text once by each.

What a call scores is what their stores lack.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from finpulse_assets.errors import ModelError
from finpulse_assets.gateways.compute.engine import ORIGIN, ScoringEngine
from finpulse_assets.gateways.sentiment.baseline import vader_release, vader_scores
from finpulse_assets.gateways.sentiment.score_store import MODEL_SCORES, VADER_SCORES, ScoreStore

CHUNK = 2048  # texts that are kept at a time; a killed run loses at most so many

WordsOf = Callable[[pl.Series], pl.DataFrame]
Scored = Callable[[Sequence[pl.DataFrame]], Iterator[pl.DataFrame]]


@dataclass
class ScoringReport:
    """What a scorer did so far, in distinct texts a call; `seconds` were spent by the model.

    `texts_by_node` says where they were made: in this process, or on which node of a cluster.
    """

    cache_hits: int = 0
    scored: int = 0
    truncated: int = 0
    seconds: float = 0.0
    device: str | None = None
    dtype: str | None = None
    texts_by_node: Counter[str] = field(default_factory=Counter)

    @property
    def texts_per_second(self) -> float | None:
        return self.scored / self.seconds if self.scored else None


@dataclass
class TextScorer:
    """Gives every text its scores.

    Attributes:
        folder: of the stores.
        fingerprint: of the model.
        engine: scores the texts that are new; asked only if there are some, so that a run with
            nothing new needs no torch.
        chunk: texts that are kept at a time.
        on_progress: called with (texts scored, texts to score) of a call.
        report: what was done so far.
    """

    folder: Path
    fingerprint: str
    engine: ScoringEngine
    chunk: int = CHUNK
    on_progress: Callable[[int, int], None] | None = None
    report: ScoringReport = field(default_factory=ScoringReport)

    def scores(self, hashes: pl.Series, words_of: WordsOf) -> pl.DataFrame:
        """Return the scores of texts, those that are new made and kept now.

        Args:
            hashes: text hashes; one may come many times.
            words_of: returns text_hash and text (normalised) of some hashes; asked once at most.

        Returns:
            text_hash, p_positive, p_negative, p_neutral, is_truncated, vader_score; one row per
            distinct hash.

        Raises:
            ModelError: the engine's model has another fingerprint.
            ComputeError: the engine has no machine to score on.
            LakeError: a store cannot be read.
        """
        asked = hashes.unique()
        model = ScoreStore(self.folder, self.fingerprint, MODEL_SCORES)
        vader = ScoreStore(self.folder, vader_release(), VADER_SCORES)
        by_model, by_vader = model.known(asked), vader.known(asked)
        lacking = _lacking(asked, by_model), _lacking(asked, by_vader)
        unknown = pl.concat(lacking).unique()
        self.report.cache_hits += len(asked) - len(lacking[0])
        if len(unknown):
            words = words_of(unknown)
            by_model = self._filled(model, by_model, words, lacking[0], self._by_model)
            by_vader = self._filled(vader, by_vader, words, lacking[1], _by_vader)
        return by_model.join(by_vader, on="text_hash", how="inner", validate="1:1")

    def _filled(
        self,
        store: ScoreStore,
        known: pl.DataFrame,
        words: pl.DataFrame,
        lacking: pl.Series,
        scored: Scored,
    ) -> pl.DataFrame:
        """Return the known scores and those of the texts that lack one, kept chunk by chunk.

        Longest first: the batches of a chunk need little padding, and if memory is too small,
        that shows at once.
        """
        missing = words.filter(pl.col("text_hash").is_in(lacking.implode())).sort(
            pl.col("text").str.len_chars(), "text_hash", descending=[True, False]
        )
        parts = [known]
        for made in scored([*missing.iter_slices(self.chunk)] if missing.height else []):
            store.add(made)
            parts.append(made)
        return pl.concat(parts)

    def _by_model(self, blocks: Sequence[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        report, done, count = self.report, 0, sum(block.height for block in blocks)
        began = time.perf_counter()
        for block in self.engine.scored(blocks):
            report.seconds += time.perf_counter() - began
            fingerprint, report.device, report.dtype, node = block.select(ORIGIN).row(0)
            if fingerprint != self.fingerprint:
                raise ModelError(
                    f"the classifier is {fingerprint[:12]}, the scores that are kept are those of "
                    f"{self.fingerprint[:12]}",
                    hint="materialize models/sentiment_model again",
                )
            report.scored += block.height
            report.truncated += int(block["is_truncated"].sum())
            report.texts_by_node[node] += block.height
            yield block.drop(ORIGIN)
            done += block.height
            if self.on_progress:
                self.on_progress(done, count)
            began = time.perf_counter()


def _by_vader(blocks: Sequence[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    for texts in blocks:
        scores = vader_scores(texts["text"].to_list())
        yield pl.DataFrame(
            {"text_hash": texts["text_hash"], "vader_score": scores}, schema=VADER_SCORES
        )


def _lacking(asked: pl.Series, known: pl.DataFrame) -> pl.Series:
    return asked.filter(~asked.is_in(known["text_hash"].implode()))
