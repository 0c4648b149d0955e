"""Texts by HTTP: the price predictor asks the scorer, which is a service of its own."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bentos.price_predictor.front import Front
from bentos.price_predictor.scorer import Scorer
from finpulse_assets.domain.serving.sentiment import MAX_TEXTS_BYTES, TextScore, text_scores
from finpulse_assets.domain.texts.normalise import normalise_text
from finpulse_assets.errors import ModelError
from finpulse_assets.gateways.serving.sentiment_bundle import SEALED, read_classifier
from tests.bentos.front_client import KeywordScorer, ask, get, refuse, served
from tests.fakes import scorer as fake_scorer
from tests.fakes.serving import flip_a_byte

TEXTS = ["acme BEATS the report", "bolt misses &amp; plunges", "core opens", "RT @a: acme beats",
         "RT @a"]  # fmt: skip


def front(error: Exception | None = None) -> Front:
    found = served()
    found.scorer = Scorer(lambda: KeywordScorer(error))
    return Front(refuse, found)


def test_texts_are_answered_with_their_scores_in_order():
    said = ask("/sentiment", {"texts": TEXTS[:3]}, front=front()).said["scores"]
    assert [it["label"] for it in said] == ["positive", "negative", "neutral"]


def test_a_long_list_may_be_sent_and_a_longer_one_is_refused():
    assert ask("/sentiment", {"texts": ["a" * 9_000] * 100}, front=front()).status == 200
    assert ask("/sentiment", b"x" * (MAX_TEXTS_BYTES + 1), front=front()).status == 413


def test_without_the_scorer_texts_are_told_to_come_again_and_symbols_are_answered():
    asked = front(ConnectionRefusedError(111, "Connection refused"))
    client = ask("/sentiment", {"texts": ["acme beats"]}, front=asked)
    assert (client.status, client.answered[b"retry-after"]) == (503, b"2")
    assert client.said["error"] == "the sentiment scorer does not answer"
    assert ask("/predict", {"symbol": "AAPL"}, front=asked).status == 200
    assert get("/readyz", front=asked).status == 200, "it is ready without the scorer"


@pytest.mark.parametrize("name", [*SEALED, "model/model.safetensors", "model/vocab.txt"])
def test_a_scorer_whose_files_were_changed_is_refused(tmp_path, name):
    bundle = fake_scorer.bundle(tmp_path / "bundle")
    flip_a_byte(bundle / name)
    with pytest.raises(ModelError):
        read_classifier(bundle)


def test_the_built_scorer_is_asked_through_the_price_predictor_and_scores_as_the_home(servers):
    """One after the other and at once: in float64 a score does not depend on its batch."""
    predictor, scorer = servers["folder"], servers["scorer"]
    body = json.dumps({"texts": TEXTS}).encode()
    status, answer = predictor.call("/sentiment", body)
    assert status == 200, answer
    said = json.loads(answer)["scores"]
    bundle = Path(str(scorer.log.parent / "scorer-bundle"))
    classifier = read_classifier(bundle)
    own = classifier.score([normalise_text(text) for text in TEXTS])
    expected = text_scores(own.probabilities, own.is_truncated, classifier.fingerprint)
    assert [TextScore(**it) for it in said] == expected

    def one(text: str) -> dict:
        status, answer = predictor.call("/sentiment", json.dumps({"texts": [text]}).encode())
        assert status == 200, answer
        return json.loads(answer)["scores"][0]

    with ThreadPoolExecutor(16) as many:
        assert list(many.map(one, TEXTS * 8)) == said * 8
    assert "Traceback" not in scorer.log.read_text()


def test_a_predictor_whose_scorer_is_not_there_says_so(servers):
    status, answer = servers["bento"].call("/sentiment", b'{"texts": ["acme beats"]}')
    assert (status, json.loads(answer)["error"]) == (503, "the sentiment scorer does not answer")


def test_the_scorers_client_is_made_at_the_first_text():
    made = []
    scorer = Scorer(lambda: made.append(1) or KeywordScorer())
    assert made == []
    assert asyncio.run(scorer.score(["acme beats"]))[0].label == "positive"
