"""Text drift: whether people write of other things, or otherwise, than when the champion learnt.

Two questions about the same vectors of texts. Can a classifier tell a text of the recent sessions
from an earlier one (AUC)? How far apart are the two clouds (MMD), and how often are as many
sessions drawn at random as far apart (whole sessions, for the texts of a day hang together)?

Topics come and go, so the second question alone finds drift in every quarter. As with features, the
recent sessions are held to their own past: the AUC has to pass that of every span of equal length
in the reference.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from finpulse_assets.domain.monitoring.two_samples import domain_auc, mmd_with_p_value
from finpulse_assets.domain.texts.normalise import words_alone
from finpulse_assets.schemas import TEXT_DRIFT

BAG_OF_WORDS, WIDTH = "bag of words", 512
SHOWN = 10


@dataclass(frozen=True, kw_only=True)
class TextDriftRule:
    """When the texts have drifted.

    Attributes:
        least_auc: an AUC below it never is drift, however alike the reference's spans are.
        margin: by how much the recent AUC has to pass the largest within the reference.
        p_value: the MMD's largest one.
        permutations: drawn for the p-value.
        spans: a reference shorter than so many spans cannot judge.
        least_texts: fewer recent texts cannot be judged.
        most_texts: of both periods that are looked at, as many of each session.
    """

    least_auc: float = 0.65
    margin: float = 0.03
    p_value: float = 0.01
    permutations: int = 999
    spans: int = 3
    least_texts: int = 50
    most_texts: int = 6000


@dataclass(frozen=True)
class TextDrift:
    """The report of a session: its row of `schemas.TEXT_DRIFT`, and what a picture shows.

    `spans` has session_date (the last of a span) and auc of each span of the reference; `words`
    has word, recent and reference (shares of texts with it) of the words that rose or fell most.
    """

    row: pl.DataFrame
    spans: pl.DataFrame
    words: pl.DataFrame

    @property
    def sentence(self) -> str:
        return sentence_of(self.row)


def sampled(texts: pl.LazyFrame, *, rule: TextDriftRule | None = None) -> pl.DataFrame:
    """Return at most `rule.most_texts` texts, as many of each session, chosen by their hash.

    Args:
        texts: session_date, text_hash and text.
    """
    rule = rule or TextDriftRule()
    sessions = texts.select(pl.col("session_date").n_unique()).collect().item()
    each = max(1, rule.most_texts // max(1, sessions))
    return (
        texts.sort("session_date", "text_hash")
        .group_by("session_date")
        .head(each)
        .sort("session_date", "text_hash")
        .collect()
    )


def bags_of_words(texts: Sequence[str]) -> np.ndarray:
    """Return texts as hashed bags of words, float32 of shape (n, WIDTH), each of length 1."""
    bags = np.zeros((len(texts), WIDTH), dtype=np.float32)
    for row, text in enumerate(texts):
        for word in set(words_alone(text).split()):
            bags[row, zlib.crc32(word.encode()) % WIDTH] += 1
    return bags / np.maximum(np.linalg.norm(bags, axis=1, keepdims=True), 1)


def measure_text_drift(
    recent: pl.DataFrame,
    reference: pl.DataFrame,
    vectors: tuple[np.ndarray, np.ndarray],
    *,
    session_date: date,
    made_by: str,
    model_version: str,
    rule: TextDriftRule | None = None,
) -> TextDrift:
    """Return the drift of texts.

    Args:
        recent: session_date and text (normalised) of the sessions that are judged.
        reference: the same of earlier sessions.
        vectors: of the recent and of the reference texts, float of shape (n, d).
        session_date: the last of the sessions that are judged.
        made_by: what made the vectors.
        model_version: the champion whose training window the reference is.
        rule: limits.
    """
    rule = rule or TextDriftRule()
    both = pl.concat([reference.select("session_date"), recent.select("session_date")])
    session = both["session_date"].rank("dense").to_numpy().astype(np.intp) - 1
    x = np.concatenate([vectors[1], vectors[0]]).astype(np.float64)
    days, length = both["session_date"].unique().sort(), recent["session_date"].n_unique()
    earlier = len(days) - length
    is_judged = recent.height >= rule.least_texts and earlier >= rule.spans * length
    spans, found = [], dict.fromkeys(("auc", "auc_limit", "mmd", "mmd_p_value"))
    if is_judged:
        inside = session < earlier
        for end in range(earlier, length - 1, -length):
            is_span = (session[inside] >= end - length) & (session[inside] < end)
            spans.append((days[end - 1], domain_auc(x[inside], is_span, session[inside])))
        mmd, p_value = mmd_with_p_value(x, session, earlier, permutations=rule.permutations)
        found = {
            "auc": domain_auc(x, ~inside, session),
            "auc_limit": max(rule.least_auc, rule.margin + max(auc for _, auc in spans)),
            "mmd": mmd,
            "mmd_p_value": p_value,
        }
    row = {
        "session_date": session_date,
        **found,
        "is_drifted": is_judged
        and found["auc"] > found["auc_limit"]
        and found["mmd_p_value"] <= rule.p_value,
        "recent_texts": recent.height,
        "reference_texts": reference.height,
        "reference_from": reference["session_date"].min(),
        "reference_to": reference["session_date"].max(),
        "vectors": made_by,
        "model_version": model_version,
    }
    return TextDrift(
        row=TEXT_DRIFT.enforce(pl.DataFrame([row], schema=TEXT_DRIFT.polars_schema)),
        spans=pl.DataFrame(
            spans, schema={"session_date": pl.Date, "auc": pl.Float64}, orient="row"
        ).sort("session_date"),
        words=_moved_words(recent["text"], reference["text"]),
    )


def _moved_words(recent: pl.Series, reference: pl.Series) -> pl.DataFrame:
    now, before = (
        Counter(word for text in texts for word in set(words_alone(text).split()))
        for texts in (recent, reference)
    )
    rows = [
        (word, now[word] / max(1, len(recent)), before[word] / max(1, len(reference)))
        for word in now | before
    ]
    schema = {"word": pl.String, "recent": pl.Float64, "reference": pl.Float64}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    moved = (pl.col("recent") - pl.col("reference")).abs()
    return frame.sort(moved, "word", descending=[True, False]).head(SHOWN)


def sentence_of(row: pl.DataFrame) -> str:
    """Return the verdict of a report (one row of `schemas.TEXT_DRIFT`) in words."""
    found = row.row(0, named=True)
    if found["auc"] is None:
        return f"too few texts or sessions to judge the texts on {found['session_date']}"
    verdict = "the texts have drifted" if found["is_drifted"] else "no drift of the texts"
    return (
        f"{verdict} on {found['session_date']}: a classifier tells them from the training "
        f"window's with an AUC of {found['auc']:.3f}, the limit is {found['auc_limit']:.3f}; "
        f"MMD {found['mmd']:.3f}, p {found['mmd_p_value']:.3f}"
    )
