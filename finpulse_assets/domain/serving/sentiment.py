"""A request for the opinion in texts, and what is said of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec
import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from finpulse_assets.domain.serving.request import refuse_repeats, shown
from finpulse_assets.domain.texts.normalise import MAX_CHARACTERS
from finpulse_assets.errors import RequestError

Label = Literal["positive", "negative", "neutral"]
LABELS: tuple[Label, ...] = ("positive", "negative", "neutral")
MAX_TEXTS = 256
MAX_TEXTS_BYTES = 1024 * 1024
FORM = f'send {{"texts": [...]}}: 1 to {MAX_TEXTS} texts of 1 to {MAX_CHARACTERS} characters'


class TextScore(BaseModel):
    """The opinion in a text."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    label: Label = Field(description="the most probable of the three")
    score: float = Field(description="p_positive - p_negative, -1 to 1")
    p_positive: float = Field(description="probability that the text is positive, 0 to 1")
    p_negative: float = Field(description="probability that the text is negative, 0 to 1")
    p_neutral: float = Field(description="probability that the text is neutral, 0 to 1")
    is_truncated: bool = Field(description="whether the model has read its beginning alone")
    model_fingerprint: str = Field(
        description="sha256 of all that decides a score; scores of two of them do not compare"
    )


class _TextsRequest(msgspec.Struct, forbid_unknown_fields=True):
    texts: list[str]


_REQUEST = msgspec.json.Decoder(_TextsRequest)


def parse_texts(body: bytes) -> list[str]:
    """Return the texts in a JSON text, as they came.

    Raises:
        RequestError: it is not of the form, or a text is blank or has too many characters.
    """
    try:
        texts = _REQUEST.decode(body).texts
    except (msgspec.MsgspecError, RecursionError) as error:
        raise RequestError(f"the texts cannot be read: {error}", hint=FORM) from error
    refuse_repeats(body)
    if not 1 <= len(texts) <= MAX_TEXTS:
        raise RequestError(f"there are {len(texts)} texts", hint=FORM)
    check_texts(texts)
    return texts


def check_texts(texts: Sequence[str]) -> None:
    """Hold texts to what is scored: of one that is a "RT @user" alone, the empty normal form too.

    Raises:
        RequestError: one is blank, or has too many characters.
    """
    for at, text in enumerate(texts):
        if len(text) > MAX_CHARACTERS:
            raise RequestError(f"text {at} has {len(text)} characters", hint=FORM)
        if not text.strip():
            raise RequestError(f"text {at} is {shown(text)}, which is blank", hint=FORM)


def text_scores(
    probabilities: np.ndarray, is_truncated: np.ndarray, model_fingerprint: str
) -> list[TextScore]:
    """Return what is said of texts.

    Args:
        probabilities: float64 (texts, labels), in the order of LABELS.
        is_truncated: bool (texts,).
        model_fingerprint: of the model.
    """
    return [
        TextScore(
            label=LABELS[best],
            score=positive - negative,
            p_positive=positive,
            p_negative=negative,
            p_neutral=neutral,
            is_truncated=cut,
            model_fingerprint=model_fingerprint,
        )
        for best, (positive, negative, neutral), cut in zip(
            probabilities.argmax(axis=1).tolist(),
            probabilities.tolist(),
            is_truncated.tolist(),
            strict=True,
        )
    ]
