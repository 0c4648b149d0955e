"""The companion gives what scikit-learn gives, from files without code, whatever the batch."""

from __future__ import annotations

import json

import numpy as np
import pytest

from finpulse_assets.errors import ModelError
from finpulse_assets.gateways.sentiment.companion import (
    LETTERS,
    TERMS,
    WORD,
    Companion,
    terms_of,
)
from finpulse_assets.gateways.sentiment.evaluation import label_codes
from tests.fakes.classifier import opinion_sentences

LABELLED = opinion_sentences(300)
TEXTS, LABELS = LABELLED["text"].to_list(), label_codes(LABELLED)


@pytest.fixture(scope="module")
def companion() -> Companion:
    return Companion.fit(TEXTS, LABELS, np.ones(len(TEXTS)))


def test_it_is_the_logistic_regression_of_scikit_learn(companion):
    """On words and on letters, each as its vectorizer weighs them."""
    from scipy.sparse import hstack
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    def vectors(mark: str) -> TfidfVectorizer:
        return TfidfVectorizer(
            analyzer=lambda text: [it for it in terms_of(text) if it.startswith(mark)],
            min_df=3, sublinear_tf=True,
        )  # fmt: skip

    both = vectors(LETTERS), vectors(WORD)
    model = LogisticRegression(C=4.0, max_iter=300)
    model.fit(hstack([it.fit_transform(TEXTS) for it in both]), LABELS)
    new = [*opinion_sentences(50, seed=4)["text"], "", "unheard-of words", "🚀"]
    expected = model.predict_proba(hstack([it.transform(new) for it in both]))
    assert np.abs(companion.probabilities(new) - expected).max() < 2e-3
    assert sorted([*both[0].vocabulary_, *both[1].vocabulary_]) == list(companion.terms)


def test_it_comes_back_from_its_files_and_scores_each_text_alone(companion, tmp_path):
    companion.save(tmp_path)
    loaded = Companion.load(tmp_path)
    whole = loaded.probabilities(TEXTS)
    assert np.array_equal(whole, companion.probabilities(TEXTS))
    alone = np.concatenate([loaded.probabilities([text]) for text in TEXTS[:20]])
    assert np.abs(alone - whole[:20]).max() < 1e-12
    assert loaded.probabilities([]).shape == (0, 3)


def test_a_folder_without_one_and_one_of_two_models(companion, tmp_path):
    assert Companion.load(tmp_path) is None
    companion.save(tmp_path)
    (tmp_path / TERMS).write_text(json.dumps(companion.terms[1:]))
    with pytest.raises(ModelError, match=r"companion\.json has \d+ terms, companion\.safetensors"):
        Companion.load(tmp_path)
