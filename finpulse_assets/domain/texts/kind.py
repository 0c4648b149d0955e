"""The kind of a text: a tweet or a headline, as its own words show it."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

TWEET, HEADLINE = "tweet", "headline"
KINDS = (TWEET, HEADLINE)

_MARKS = re.compile(r"\bURL\b|@user\b|(?<!\w)[$#][A-Za-z]")


def kind_of(text: str) -> str:
    """Return the kind of a normalised text.

    A link, a user name, a cashtag or a hashtag makes a tweet. The text alone decides, so
    that a text scores the same wherever it came from.

    >>> kind_of("$AAPL beats again"), kind_of("Apple beats estimates, again")
    ('tweet', 'headline')
    """
    return TWEET if _MARKS.search(text) else HEADLINE


def kinds_of(texts: Sequence[str]) -> np.ndarray:
    """Return the kind of each text as its position in KINDS, int64 of shape (n,)."""
    return np.array([KINDS.index(kind_of(text)) for text in texts], dtype=np.int64)
