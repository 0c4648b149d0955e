"""Texts: the normal form under which two texts are the same text, and its hash.

What makes two texts equal for scoring.
"""

from __future__ import annotations

import hashlib
import html
import re
import unicodedata

import polars as pl

from finpulse_assets.domain.texts.emoji import name_emoji

# Part of every sentiment fingerprint: raise it when normalise_text changes, and scores are redone.
NORMALISATION_VERSION = 3
MAX_CHARACTERS = 10_000
CUT_CHARACTERS = 140  # of a retweet, with its "RT @user: ", where the service cut it with "…"

_RETWEET = re.compile(r"^(?:RT\s+@\w+\s*:?\s*)+", re.IGNORECASE)
_CUT_END = re.compile(r"[^\s…]*…+$")
_URL = re.compile(r"(?:https?://|www\.)\S+")
_MENTION = re.compile(r"(?<![\w$])@\w+")
_CASHTAG = re.compile(r"(?<![\w$])\$[A-Za-z]{1,6}(?:[.\-_][A-Za-z]{1,2})?(?!\w)")
_NAME = re.compile(r"[@$]\w+(?:[.\-]\w+)?|\bURL\b")
_NO_LETTER = re.compile(r"[\d\W_]+")
_SPACE = re.compile(r"[\s\x00-\x1f\x7f]+")
# Soft hyphens, zero-width spaces, direction marks, and halves of a broken pair (no UTF-8 has them).
# The joiners inside Persian words stay.
_INVISIBLE = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


def normalise_text(text: str) -> str:
    """Return the normal form of a text: what a reader would call the same words.

    HTML is unescaped, Unicode composed, invisible characters and a leading "RT @user:" dropped (a
    retweet says what the original said), links become "URL", mentions "@user", cashtags upper case,
    emoji their names, and white space single spaces. Other letters keep their case, numbers stay. A
    retweet that the service has cut loses the "…" and the half word before it. The normal form of a
    normal form is itself.

    >>> normalise_text("RT @joe: $t beats &amp; raises  https://t.co/x @ann")
    '$T beats & raises URL @user'
    """
    form = _simplify(text)
    # Sources escape twice ("&amp;amp;"), and what one step drops may lay bare work for another.
    while form != text:
        text, form = form, _simplify(form)
    return form


def cashtags(text: str) -> set[str]:
    """Return the tickers that a text names as cashtags, as the tables write them.

    >>> sorted(cashtags("$aapl and $BRK.B at $3.50, not US$ or a$b"))
    ['AAPL', 'BRK-B']
    """
    return {re.sub(r"[._]", "-", tag[1:].upper()) for tag in _CASHTAG.findall(text)}


def words_alone(text: str) -> str:
    """Return the words of a normalised text in lower case: no link, user, cashtag, number or sign.

    >>> words_alone("Buy $T now!!! Target 50 URL @user #gain")
    'buy now target gain'
    """
    return _NO_LETTER.sub(" ", _NAME.sub(" ", text)).strip().lower()


def _simplify(text: str) -> str:
    text = _INVISIBLE.sub("", unicodedata.normalize("NFC", html.unescape(text)))
    is_cut = len(text) >= CUT_CHARACTERS
    text = _URL.sub("URL", _SPACE.sub(" ", text).strip())  # a link that was cut is one too
    if words := _RETWEET.match(text):
        text = text[words.end() :]
        text = _CUT_END.sub("", text) if is_cut else text
    text = _MENTION.sub("@user", name_emoji(text))
    return _SPACE.sub(" ", _CASHTAG.sub(lambda tag: tag[0].upper(), text)).strip()


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
