"""Scoring texts: by the sentiment model and by VADER, each text once by each.

What a call scores is what their stores lack.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Protocol

import polars as pl

from finpulse_assets.errors import ModelError
from finpulse_assets.gateways.sentiment.baseline import vader_release, vader_scores
from finpulse_assets.gateways.sentiment.classifier import Scores
from finpulse_assets.gateways.sentiment.score_store import MODEL_SCORES, VADER_SCORES, ScoreStore

CHUNK = 2048  # texts that are kept at a time; a killed run loses at most so many

WordsOf = Callable[[pl.Series], pl.DataFrame]


class ScoringModel(Protocol):
    """What scoring needs of a model; `classifier.Classifier` and the tests' fake have it."""

    @property
    def fingerprint(self) -> str: ...

    def score(
        self, texts: list[str], on_batch: Callable[[int, int], None] | None = None
    ) -> Scores: ...


@dataclass
class ScoringReport:
    """What a scorer did so far, in distinct texts a call; the rates are of the forward passes."""

    cache_hits: int = 0
    scored: int = 0
    truncated: int = 0
    seconds: float = 0.0
    device: str | None = None
    dtype: str | None = None

    @property
    def texts_per_second(self) -> float | None:
        return self.scored / self.seconds if self.scored else None


@dataclass
class TextScorer:
    """Gives every text its scores.

    Attributes:
        folder: of the stores.
        fingerprint: of the model.
        load_classifier: called at most once, and only if a text is unknown, so that a run with
            nothing new needs no torch.
        chunk: texts that are kept at a time.
        on_progress: called with (texts scored, texts to score) of a call.
        report: what was done so far.
    """

    folder: Path
    fingerprint: str
    load_classifier: Callable[[], ScoringModel]
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
            ModelError: the loaded classifier has another fingerprint.
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
        score: Callable[[pl.DataFrame, int, int], pl.DataFrame],
    ) -> pl.DataFrame:
        """Return the known scores and those of the texts that lack one, kept chunk by chunk.

        Longest first: the batches of a chunk need little padding, and if memory is too small,
        that shows at once.
        """
        missing = words.filter(pl.col("text_hash").is_in(lacking.implode())).sort(
            pl.col("text").str.len_chars(), "text_hash", descending=[True, False]
        )
        parts = [known]
        for start in range(0, missing.height, self.chunk):
            scored = score(missing.slice(start, self.chunk), start, missing.height)
            store.add(scored)
            parts.append(scored)
        return pl.concat(parts)

    def _by_model(self, texts: pl.DataFrame, start: int, count: int) -> pl.DataFrame:
        classifier, report = self._classifier, self.report
        began = time.perf_counter()
        progress = self.on_progress
        scores = classifier.score(
            texts["text"].to_list(), progress and (lambda done, _: progress(start + done, count))
        )
        report.seconds += time.perf_counter() - began
        report.scored += texts.height
        report.truncated += int(scores.is_truncated.sum())
        report.device, report.dtype = scores.device, scores.dtype
        values = {name: getattr(scores, name) for name in MODEL_SCORES if name != "text_hash"}
        return pl.DataFrame({"text_hash": texts["text_hash"], **values}, schema=MODEL_SCORES)

    @cached_property
    def _classifier(self) -> ScoringModel:
        classifier = self.load_classifier()
        if classifier.fingerprint != self.fingerprint:
            raise ModelError(
                f"the classifier is {classifier.fingerprint[:12]}, the scores that are kept are "
                f"those of {self.fingerprint[:12]}",
                hint="materialize models/sentiment_model again",
            )
        return classifier


def _by_vader(texts: pl.DataFrame, start: int, count: int) -> pl.DataFrame:  # noqa: ARG001
    scores = vader_scores(texts["text"].to_list())
    return pl.DataFrame(
        {"text_hash": texts["text_hash"], "vader_score": scores}, schema=VADER_SCORES
    )


def _lacking(asked: pl.Series, known: pl.DataFrame) -> pl.Series:
    return asked.filter(~asked.is_in(known["text_hash"].implode()))
