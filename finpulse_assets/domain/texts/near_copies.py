"""Near copies: texts that say the same in almost the same words, found by MinHash.

https://ekzhu.com/datasketch/minhash.html

Two texts are near copies when seven tenths of their pieces of four letters are in both; with fewer,
short opinions that differ in one word would be one. Of a text only its words count, in any order,
so another link, ticker, number, sign or case makes no other text.

A text joins the most similar one that was known before it, and nothing that comes later moves it.
A band of a sketch remembers only the last text that had it: a burst of thousands costs each text no
more than a look at as many texts as there are bands.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from datetime import date, timedelta
from functools import cache, lru_cache
from typing import TYPE_CHECKING

import numpy as np

from finpulse_assets.domain.texts.normalise import words_alone

if TYPE_CHECKING:
    from datasketch import MinHash

WINDOW = timedelta(days=7)  # how far back a text has copies
SIMILAR = 0.7  # Jaccard similarity of near copies
PIECE = 4  # letters; the ends of a word count as one
PERMUTATIONS, BANDS = 64, 16  # so 99 of 100 pairs are seen at 0.7, all at 0.8


def near_copies(texts: Sequence[str], days: Sequence[date]) -> list[int]:
    """Return for each text the position of the first text of its group.

    A group reaches back `WINDOW` from the day of the text that asks: what only older texts connect
    is not connected. So the answer for a day follows from the texts of twice the window.

    Args:
        texts: normalised, in the order in which they were known.
        days: the session that each counts for, ascending.
    """
    found = NearCopies()
    return [found.add(text, day) for text, day in zip(texts, days, strict=True)]


class NearCopies:
    """The texts so far, to which more come one at a time."""

    def __init__(self) -> None:
        self._sketches: list[np.ndarray] = []
        self._days: list[date] = []
        self._last_with: dict[bytes, int] = {}
        self._joined: list[int | None] = []  # the text that each has joined
        self._tops: list[int] = []  # the first text of the same day that each leads back to

    def add(self, text: str, day: date) -> int:
        """Take a text in and return the position of the first text of its group."""
        at, own = len(self._days), _sketch(words_alone(text))
        bands = [bytes([band]) + it.tobytes() for band, it in enumerate(own.reshape(BANDS, -1))]
        live = {self._last_with[it] for it in bands if it in self._last_with}
        near = {
            other: similarity
            for other in live
            if day - self._days[other] <= WINDOW
            and (similarity := (own == self._sketches[other]).sum() / PERMUTATIONS) >= SIMILAR
        }
        other = max(near, key=lambda it: (near[it], -it)) if near else None
        is_of_day = other is not None and self._days[other] == day
        self._sketches.append(own)
        self._days.append(day)
        self._joined.append(other)
        self._tops.append(self._tops[other] if is_of_day else at)
        self._last_with.update(dict.fromkeys(bands, at))
        return self._first(at)

    def _first(self, at: int) -> int:
        first = self._tops[at]
        while (before := self._joined[first]) is not None:
            if self._days[at] - self._days[before] > WINDOW:
                break
            first = self._tops[before]
        return first


@lru_cache(maxsize=100_000)
def _sketch(words: str) -> np.ndarray:
    """Return the sketch of words, uint32 of shape (PERMUTATIONS,)."""
    sketch = _empty_sketch().copy()
    sketch.update_batch(_pieces(words))
    return sketch.hashvalues


@cache
def _empty_sketch() -> MinHash:
    from datasketch import MinHash

    return MinHash(num_perm=PERMUTATIONS, hashfunc=zlib.crc32)


def _pieces(words: str) -> list[bytes]:
    padded = [f" {word} " for word in words.split()] or [""]
    found = {it[at : at + PIECE] for it in padded for at in range(max(1, len(it) - PIECE + 1))}
    return [piece.encode() for piece in found]
