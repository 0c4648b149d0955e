"""Texts: the normal form under which two texts are the same text, and its hash.

What makes two texts equal for scoring.
"""

from __future__ import annotations

import hashlib
import html
import re
import unicodedata

import polars as pl

# Part of every sentiment fingerprint: raise it when normalise_text changes, and scores are redone.
NORMALISATION_VERSION = 2
MAX_CHARACTERS = 10_000

_RETWEET = re.compile(r"^(?:RT\s+@\w+\s*:?\s*)+", re.IGNORECASE)
_URL = re.compile(r"(?:https?://|www\.)\S+")
_MENTION = re.compile(r"(?<![\w$])@\w+")
_SPACE = re.compile(r"[\s\x00-\x1f\x7f]+")
# Soft hyphens, zero-width spaces, direction marks. The joiners inside emoji and Persian words stay.
_INVISIBLE = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


def normalise_text(text: str) -> str:
    """Return the normal form of a text: what a reader would call the same words.

    HTML is unescaped, Unicode composed, invisible characters and a leading "RT @user:" dropped (a
    retweet says what the original said), links become "URL", mentions "@user", and white space
    single spaces. Letters keep their case, cashtags and numbers stay. The normal form of a normal
    form is itself.

    >>> normalise_text("RT @joe: $T beats &amp; raises  https://t.co/x @ann")
    '$T beats & raises URL @user'
    """
    form = _simplify(text)
    # Sources escape twice ("&amp;amp;"), and what one step drops may lay bare work for another.
    while form != text:
        text, form = form, _simplify(form)
    return form


def _simplify(text: str) -> str:
    text = _INVISIBLE.sub("", unicodedata.normalize("NFC", html.unescape(text)))
    text = _RETWEET.sub("", _SPACE.sub(" ", text).strip())
    return _SPACE.sub(" ", _MENTION.sub("@user", _URL.sub("URL", text))).strip()


def text_hash(text: str) -> str:
    """Return the sha256 of the normal form, hexadecimal.

    >>> text_hash("RT @joe: up") == text_hash("up")
    True
    """
    return hashlib.sha256(normalise_text(text).encode()).hexdigest()


def with_text_hash(frame: pl.DataFrame) -> pl.DataFrame:
    """Add `text_hash` to rows with `text`; each distinct text is hashed once."""
    distinct = frame["text"].unique(maintain_order=True)
    hashes = pl.DataFrame(
        {"text": distinct, "text_hash": [text_hash(text) for text in distinct]},
        schema={"text": pl.String, "text_hash": pl.String},
    )
    return frame.join(hashes, on="text", how="left", maintain_order="left")
