"""The language of a text: English unless another one is all but certain.

https://github.com/adbar/py3langid

A wrong mark loses a text, a missing one keeps a few words that the model hardly knows; so the mark
asks for much. On StockNet it falls on 2 of 1,000 texts that Twitter calls English, half of them
rightly, and on three quarters of the Spanish ones.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

ALL = "all"
ENGLISH = "en"
UNDETERMINED = "und"  # ISO 639-3
# What people write about stocks in. Among all 97 that the model knows, lists of tickers pass for
# rare ones.
LANGUAGES = (
    "ar", "bg", "bn", "cs", "da", "de", "el", "en", "es", "fa", "fi", "fr", "he", "hi", "hu", "id",
    "it", "ja", "ko", "nl", "no", "pl", "pt", "ro", "ru", "sv", "ta", "th", "tr", "uk", "ur", "vi",
    "zh",
)  # fmt: skip
MOST_ENGLISH = 0.03  # probability of English from which on a text is English
LEAST_BYTES = 20  # of words: names and tickers alone tell nothing


def language_of(text: str) -> str:
    """Return the ISO 639-1 code of a text's language, "und" of one without any letter.

    Args:
        text: normalised; links, users, cashtags and numbers say nothing of it.

    >>> [language_of(it) for it in ("$T beats", "Las acciones de la empresa suben", "+5%")]
    ['en', 'es', 'und']
    """
    from finpulse_assets.domain.texts.normalise import words_alone  # the settings read LANGUAGES

    words = words_alone(text)
    if not words:
        return UNDETERMINED
    if len(words.encode()) < LEAST_BYTES:
        return ENGLISH
    ranked = _identifier().rank(words)
    best, _ = ranked[0]
    if dict(ranked)[ENGLISH] >= MOST_ENGLISH:
        return ENGLISH
    return str(best)


@cache
def _identifier() -> LanguageIdentifier:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(LANGUAGES)
    return identifier
