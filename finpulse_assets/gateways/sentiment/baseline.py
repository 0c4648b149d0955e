"""The sentiment baseline: VADER's lexicon, the score every model has to beat."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer


def vader_scores(texts: Sequence[str]) -> np.ndarray:
    """Return VADER's compound score of each text.

    Args:
        texts: normalised texts; equal texts are scored once.

    Returns:
        float64 of shape (n,), -1 (negative) to 1 (positive), 0 without a word of its lexicon.

    >>> vader_scores(["great results, we love it", "a terrible loss", "shares of AAPL"]).tolist()
    [0.8519, -0.6597, 0.296]
    """
    analyzer = _analyzer()
    compound = {text: analyzer.polarity_scores(text)["compound"] for text in dict.fromkeys(texts)}
    return np.array([compound[text] for text in texts], dtype=np.float64)


@cache
def _analyzer() -> SentimentIntensityAnalyzer:
    """Return VADER with its lexicon, which takes longer to read than some hundred texts."""
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    return SentimentIntensityAnalyzer()


def vader_release() -> str:
    """Return the name of the installed release, whose lexicon decides every score.

    >>> vader_release()
    'vader-3.3.2'
    """
    return f"vader-{version('vaderSentiment')}"
