"""Texts that are sent: what is read, refused and said of them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from finpulse_assets.domain.serving.sentiment import MAX_TEXTS, parse_texts, text_scores
from finpulse_assets.domain.texts.normalise import MAX_CHARACTERS
from finpulse_assets.errors import RequestError


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"{", "the texts cannot be read"),
        (b'{"texts": "one"}', "the texts cannot be read"),
        (b'{"texts": [1]}', "the texts cannot be read"),
        (b'{"texts": ["a"], "x": 1}', "the texts cannot be read"),
        (b'{"texts": []}', "there are 0 texts"),
        (json.dumps({"texts": ["a"] * (MAX_TEXTS + 1)}).encode(), "there are 257 texts"),
        (json.dumps({"texts": ["a" * (MAX_CHARACTERS + 1)]}).encode(), "text 0 has 10001"),
        (json.dumps({"texts": ["up", " \n\xa0"]}).encode(), "text 1 is .* which is blank"),
        (json.dumps({"texts": ["up", ""]}).encode(), "text 1 is .* which is blank"),
    ],
)
def test_what_is_no_list_of_texts_is_refused(body, error):
    with pytest.raises(RequestError, match=error):
        parse_texts(body)


def test_each_text_has_its_most_probable_label_and_its_score():
    probabilities = np.array([[0.7, 0.1, 0.2], [0.2, 0.5, 0.3], [0.1, 0.1, 0.8]])
    said = text_scores(probabilities, np.array([False, True, False]), "f" * 64)
    assert [it.label for it in said] == ["positive", "negative", "neutral"]
    assert [round(it.score, 9) for it in said] == [0.6, -0.3, 0.0]
    assert [it.is_truncated for it in said] == [False, True, False]
