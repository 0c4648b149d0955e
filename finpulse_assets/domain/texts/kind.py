"""The kind of a text: a tweet, a headline or a sentence, as its own words show it."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

TWEET, HEADLINE, SENTENCE = "tweet", "headline", "sentence"
KINDS = (TWEET, HEADLINE, SENTENCE)

_MARKS = re.compile(r"\bURL\b|@user\b|(?<!\w)[$#][A-Za-z]")
_STOP = re.compile(r"[.!?][\s\"'\u201d\u2019)]*$")


def kind_of(text: str) -> str:
    """Return the kind of a normalised text.

    A link, a user name, a cashtag or a hashtag makes a tweet; a full stop at the end of another
    text, a sentence. The text alone decides, so that it scores the same wherever it came from.

    >>> [kind_of(text) for text in ("$T beats again", "T beats, again", "T has beaten them again.")]
    ['tweet', 'headline', 'sentence']
    """
    if _MARKS.search(text):
        return TWEET
    return SENTENCE if _STOP.search(text) else HEADLINE


def kinds_of(texts: Sequence[str]) -> np.ndarray:
    """Return the kind of each text as its position in KINDS, int64 of shape (n,)."""
    return np.array([KINDS.index(kind_of(text)) for text in texts], dtype=np.int64)
