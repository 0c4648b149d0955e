"""Calibration: it undoes what was done to probabilities, by kind of text, and says how."""

from __future__ import annotations

import numpy as np
import pytest

from finpulse_assets.errors import ModelError
from finpulse_assets.gateways.sentiment.calibration import (
    CALIBRATION,
    Calibration,
    KindCalibration,
    fit_calibration,
)
from finpulse_assets.gateways.sentiment.companion import Companion
from finpulse_assets.gateways.sentiment.evaluation import figures, label_codes
from tests.fakes.classifier import opinion_sentences

COUNT = 6000
TEXTS = ["$T up" if row % 2 else "up" for row in range(COUNT)]  # tweets and headlines in turn
IS_TWEET = np.arange(COUNT) % 2 == 1


def softmax(logits: np.ndarray) -> np.ndarray:
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True)


@pytest.fixture(scope="module")
def drawn() -> tuple[np.ndarray, np.ndarray]:
    """Logits that are right, and labels drawn from them."""
    generator = np.random.default_rng(0)
    logits = generator.normal(size=(COUNT, 3)) * 2
    return logits, (logits + generator.gumbel(size=logits.shape)).argmax(axis=1)


def test_each_kind_gets_its_own_temperature_and_prior_back(drawn):
    logits, labels = drawn
    shift = np.array([0.8, -0.8, 0.0])
    spoilt = np.where(IS_TWEET[:, None], logits * 3, logits - shift)
    found = fit_calibration(TEXTS, labels, softmax(spoilt), None)
    tweet, headline = found.kinds["tweet"], found.kinds["headline"]
    assert tweet.temperature == pytest.approx(3, rel=0.08)
    assert tweet.prior == pytest.approx([0, 0, 0], abs=0.12)
    assert headline.temperature == pytest.approx(1, rel=0.08)
    assert headline.prior == pytest.approx(shift, abs=0.12)
    mended = found.apply(TEXTS, softmax(spoilt))
    assert np.allclose(mended.sum(axis=1), 1)
    before, after = figures(labels, softmax(spoilt)), figures(labels, mended)
    assert after["calibration_error"] < 0.02 < before["calibration_error"]
    assert after["accuracy"] > before["accuracy"]


def test_a_kind_of_few_texts_takes_what_fits_all(drawn):
    logits, labels = drawn
    texts = ["$T up"] * 20 + ["up"] * 1980
    found = fit_calibration(texts, labels[:2000], softmax(logits[:2000] * 2), None)
    assert found.kinds["tweet"].temperature == pytest.approx(2, rel=0.1)
    assert found.kinds["tweet"] != KindCalibration()


def test_the_companion_has_a_share_where_it_helps_and_none_where_it_does_not():
    labelled = opinion_sentences(600)
    texts, labels = labelled["text"].to_list(), label_codes(labelled)
    companion = Companion.fit(texts[:300], labels[:300], np.ones(300))
    dev, truth = texts[300:], labels[300:]
    ignorant = np.full((300, 3), 1 / 3)
    found = fit_calibration(dev, truth, ignorant, companion)
    assert found.kinds["tweet"].companion_share == 0.7
    assert figures(truth, found.apply(dev, ignorant))["accuracy"] > 0.95
    knowing = np.where(np.arange(3) == truth[:, None], 0.98, 0.01)
    turned = Companion(companion.terms, companion.idf, -companion.weights, companion.bias)
    alone = fit_calibration(dev, truth, knowing, turned)
    assert alone.kinds["tweet"].companion_share == 0
    assert alone.companion is None


def test_it_comes_back_from_its_file_and_without_one_changes_nothing(tmp_path):
    network = np.array([[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]])
    assert Calibration.load(tmp_path).apply(["a", "$T"], network) is network
    kept = Calibration(
        {
            "tweet": KindCalibration(0.0, 2.0, (0.1, 0.0, -0.1)),
            "headline": KindCalibration(),
            "sentence": KindCalibration(),
        }
    )
    kept.save(tmp_path)
    loaded = Calibration.load(tmp_path)
    assert loaded == kept
    found = loaded.apply(["a", "$T"], network)
    assert found[0] == pytest.approx(network[0])
    assert found[1] == pytest.approx(softmax(np.log(network[1:]) / 2 + [[0.1, 0, -0.1]])[0])
    assert loaded.apply([], np.zeros((0, 3))).shape == (0, 3)


@pytest.mark.parametrize("content", ["{half", "{}", '{"tweet": {"x": 1}, "headline": {}}', "[]"])
def test_a_file_that_is_none(tmp_path, content):
    (tmp_path / CALIBRATION).write_text(content)
    with pytest.raises(
        ModelError, match=r"calibration\.json is no calibration of tweet, headline, sent"
    ):
        Calibration.load(tmp_path)
