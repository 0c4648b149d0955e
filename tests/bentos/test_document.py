"""The OpenAPI document: every answer in it, and that it allows exactly what is answered."""

from __future__ import annotations

import json
import re
from sys import float_info

import pytest
from jsonschema import Draft202012Validator

from bentos.price_predictor.documents import openapi_of
from bentos.price_predictor.examples import EXAMPLE_ID
from bentos.price_predictor.fresh import FreshRows
from bentos.price_predictor.front import Front
from bentos.price_predictor.routes import ROUTES
from bentos.price_predictor.scorer import Scorer
from bentos.price_predictor.served import Served
from tests.bentos.front_client import KeywordScorer, ask, get, recording, refuse
from tests.bentos.test_fresh import Rows
from tests.fakes import serving as fakes

ROW = {"return_1d": 0.5, "rsi_14": None, "sentiment_mean": 1}


def test_the_openapi_document_describes_every_route_and_its_examples_are_answered(tmp_path):
    front = recording(tmp_path)
    front.served.scorer = Scorer(KeywordScorer)
    document = get("/openapi.json", front=front).said
    described = set(document["paths"])
    assert described == {it.name for it in ROUTES.values()} - {"/", "/docs", "/openapi.json"}
    handlers = {it.name: it.handlers for it in ROUTES.values()}
    asked, given = 0, ""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert method.upper() in handlers[path]
            content = operation["responses"]["200"]["content"]
            if "application/json" not in content:
                continue
            answer = Draft202012Validator(document | content["application/json"]["schema"])
            if method == "get":
                answer.validate(get(path.replace("{id}", given), front=front).said)
                continue
            body = operation["requestBody"]["content"]["application/json"]
            for example in body["examples"].values():
                Draft202012Validator(document | body["schema"]).validate(example["value"])
                sent = json.loads(json.dumps(example["value"]).replace(EXAMPLE_ID, given))
                client = ask(path, sent, front=front)
                assert client.status == 200
                answer.validate(client.said)
                given = client.said.get("prediction_id", given)
                asked += 1
    assert asked == 7
    references = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document)))
    assert references <= set(document["components"]["schemas"])


@pytest.mark.parametrize("has_lake", [True, False])
def test_every_answer_of_every_route_has_a_schema_and_an_example_of_it(has_lake):
    document = openapi_of(fakes.predictor(), has_lake=has_lake)
    shown = 0
    for path, methods in document["paths"].items():
        for operation in methods.values():
            for status, answer in operation["responses"].items():
                ((media, content),) = answer["content"].items()
                assert answer["description"]
                assert media == ("text/plain" if path == "/metrics" and status == "200"
                                 else "application/json")  # fmt: skip
                schema = Draft202012Validator(document | content["schema"])
                schema.validate(json.loads(json.dumps(content["example"])))
                shown += 1
    assert shown > 80


def test_what_can_be_refused_is_in_the_document(tmp_path):
    """Each refusal that a test of this file gets stands under its operation."""
    paths = openapi_of(fakes.predictor())["paths"]
    posts = {path for path, methods in paths.items() if "post" in methods}
    for path in posts:
        told = set(paths[path]["post"]["responses"])
        client = ask(path, b"x", headers=())
        assert {str(client.status), "400", "408", "413", "415", "429"} <= told
    for path, methods in paths.items():
        if "get" in methods:
            refused = get(path.replace("{id}", "x"), query=b"evil=1", front=Front(refuse, Served()))
            assert str(refused.status) in methods["get"]["responses"], path


ODD_TEXTS = ("RT @a", "RT @a: RT @b:", "&nbsp;", "&shy;\u200b", "@a", "$", "1", "…", "\x00", "好",
             f"RT @a: {'x' * 200}…", "a" * 10_000)  # fmt: skip


def test_a_text_is_answered_exactly_where_the_document_allows_it(tmp_path):
    """Defect: "RT @a", of which nothing is left when it is normalised, was allowed and refused."""
    front = recording(tmp_path)
    front.served.scorer = Scorer(KeywordScorer)
    front.served.fresh = FreshRows(Rows(), front.served.scorer)
    document = get("/openapi.json", front=front).said
    shapes = document["components"]["schemas"]
    blank = ("", " ", "\n\t", "\xa0\u2003", "a" * 10_001)
    for text in (*ODD_TEXTS, *blank):
        bodies = {
            "/sentiment": ("SentimentRequest", {"texts": [text]}),
            "/predict": ("PredictRequest", {"symbol": "AAPL", "texts": [{"text": text}]}),
        }
        for path, (shape, body) in bodies.items():
            is_allowed = Draft202012Validator(document | shapes[shape]).is_valid(body)
            assert is_allowed is (text not in blank), text
            assert ask(path, body, front=front).status == (200 if is_allowed else 400), text


@pytest.mark.parametrize(
    ("value", "status"), [(float_info.max, 200), (-float_info.max, 200), (10**309, 400)]
)
def test_a_number_is_answered_exactly_where_the_document_allows_it(value, status):
    document = openapi_of(fakes.predictor())
    body = {"features": ROW | {"return_1d": value}}
    shape = document["components"]["schemas"]["PredictRequest"]
    assert Draft202012Validator(document | shape).is_valid(body) is (status == 200)
    assert ask("/predict", body).status == status


@pytest.mark.parametrize("symbol", ["texts", "prices"])
def test_a_symbol_that_is_named_as_a_field_is_unknown_and_no_more(symbol):
    assert ask("/predict", {"symbol": symbol}).status == 404
