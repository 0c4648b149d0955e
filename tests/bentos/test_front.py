"""The front as ASGI: its limits, its one shape of refusals, its routes and its metrics."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter

import pytest

from bentos.price_predictor import metrics, reading
from bentos.price_predictor.front import MAX_IN_PROGRESS, Front
from bentos.price_predictor.predictions import HALVED_ROWS
from bentos.price_predictor.routes import ROUTES
from bentos.price_predictor.served import Served
from finpulse_assets.domain.serving.answer import Answer
from finpulse_assets.domain.serving.request import MAX_BATCH_BYTES, MAX_BODY_BYTES
from tests.bentos.front_client import (
    JSON_TYPE,
    PART,
    Client,
    ask,
    get,
    recording,
    refuse,
    served,
)
from tests.fakes import serving as fakes

KNOWN = "known are features and reasons, see /docs"
ROW = {"return_1d": 0.5, "rsi_14": None, "sentiment_mean": 1}


@pytest.mark.parametrize(("announced", "read"), [(True, 0), (False, MAX_BODY_BYTES + PART)])
def test_of_ten_megabytes_no_more_than_the_limit_and_a_part_is_read(announced, read):
    client = ask("/predict", b"x" * 10_000_000, announced=announced)
    assert (client.status, client.read) == (413, read)
    assert client.answered[b"connection"] == b"close"
    assert sorted(client.said) == ["error", "hint"]


@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize("size", [0, 1, PART, MAX_BODY_BYTES])
def test_a_body_within_the_limit_is_read_whole(announced, size):
    client = ask("/predict", b"x" * size, announced=announced)
    assert (client.status, client.read) == (400, size)


def test_a_batch_may_be_longer():
    assert ask("/predict_batch", b"x" * (MAX_BODY_BYTES + 1)).status == 400
    assert ask("/predict_batch", b"x" * (MAX_BATCH_BYTES + 1)).status == 413


def test_a_body_that_does_not_end_is_refused_in_time(monkeypatch):
    monkeypatch.setattr(reading.read_body, "__kwdefaults__",
                        reading.read_body.__kwdefaults__ | {"seconds": 0.01})  # fmt: skip
    client = ask("/predict", b'{"symbol"', announced=False, never_ends=True)
    assert client.status == 408
    assert client.said["error"] == "the request was not whole after 0.01 seconds"


@pytest.mark.parametrize("leaves_after", [0, PART])
def test_a_client_that_goes_away_is_counted_and_told_nothing(leaves_after, caplog):
    before = metrics.GONE.values[()]
    client = ask("/predict", b"x" * 3 * PART, leaves_after=leaves_after)
    assert client.sent == []
    assert metrics.GONE.values[()] == before + 1
    assert caplog.records == []


def test_beyond_the_limit_of_requests_in_progress_the_next_is_told_to_come_again():
    front = Front(refuse, served(), limit=1)

    async def two() -> tuple[Client, Client]:
        slow = Client("/predict", b'{"symbol"', never_ends=True, announced=False)
        task = asyncio.create_task(slow.ask(front))
        await asyncio.sleep(0)
        second = await Client("/predict", b'{"symbol":"AAPL"}').ask(front)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        third = await Client("/predict", b'{"symbol":"AAPL"}').ask(front)
        return second, third

    second, third = asyncio.run(two())
    assert (second.status, second.answered[b"retry-after"]) == (429, b"1")
    assert third.status == 200


@pytest.mark.parametrize(
    ("headers", "status", "error"),
    [
        ((JSON_TYPE,), 200, None),
        (((b"content-type", b"application/json; charset=utf-8"),), 200, None),
        (((b"content-type", b"Application/JSON"),), 200, None),
        ((), 415, "the content type is absent"),
        (((b"content-type", b"text/plain"),), 415, "the content type is 'text/plain'"),
        (((b"content-type", b"application/vnd.bentoml+pickle"),), 415, "bentoml+pickle"),
        (((b"content-type", b"application/json; charset=utf-7"),), 415, "charset=utf-7"),
        ((JSON_TYPE, (b"content-encoding", b"gzip")), 415, "the content encoding is 'gzip'"),
    ],
)
def test_a_body_that_is_not_plain_json_is_refused_unread(headers, status, error):
    client = ask("/predict", {"symbol": "AAPL"}, headers=headers)
    assert client.status == status
    if error:
        assert error in client.said["error"]
        assert client.read == 0


def test_an_answer_has_every_field_an_own_id_and_the_features_on_request():
    front = Front(refuse, served())
    one, two = (ask("/predict", {"symbol": "AAPL"}, front=front) for _ in range(2))
    first, second = (Answer.model_validate(client.said) for client in (one, two))
    assert first.prediction_id < second.prediction_id
    assert (first.features_used, first.reasons) == (3, second.reasons)
    full = ask("/predict", {"features": ROW}, front=front, query=b"features=1&reasons=1").said
    assert full["features_used"] == ROW
    assert full["reasons"]


@pytest.mark.parametrize("query", [b"features=2", b"x=1", b"features", b"features=1&evil=<b>"])
def test_an_unknown_query_is_refused(query):
    client = ask("/predict", {"symbol": "AAPL"}, query=query)
    assert (client.status, client.said["hint"]) == (400, KNOWN)


def test_a_batch_of_symbols_or_rows_is_answered_in_its_order():
    front = Front(refuse, served())
    symbols = ask("/predict_batch", {"symbols": ["MSFT", "aapl"]}, front=front).said["answers"]
    assert [Answer.model_validate(it).symbol for it in symbols] == ["MSFT", "AAPL"]
    body = {"columns": list(ROW), "rows": [list(ROW.values())] * 2}
    rows = ask("/predict_batch", body, front=front).said["answers"]
    alone = ask("/predict", {"features": ROW}, front=front).said
    assert [it["probability"] for it in rows] == [alone["probability"]] * 2
    assert len({it["prediction_id"] for it in (*symbols, *rows)}) == 4
    unknown = ask("/predict_batch", {"symbols": ["AAPL", "NONE"]}, front=front)
    assert (unknown.status, unknown.said["hint"][:15]) == (404, "the nearest are")


def test_a_batch_on_two_cores_is_in_its_order_and_of_the_same_bits():
    front = Front(refuse, served())
    rows = [[at / 10 - 6] * len(ROW) for at in range(HALVED_ROWS + 3)]

    def said(part: list) -> list[float]:
        body = {"columns": list(ROW), "rows": part}
        answers = ask("/predict_batch", body, front=front).said["answers"]
        return [it["probability"] for it in answers]

    halved = said(rows)
    assert len(set(halved)) > 3, "the rows are told apart"
    assert halved == said(rows[:50]) + said(rows[50:])


@pytest.mark.parametrize(
    "path",
    ["/nothing", "/predict/", "/Predict", "/predict/x", "//predict", "/static_content/x"],
)
def test_an_unknown_path_is_refused_in_the_one_shape(path):
    client = get(path)
    assert (client.status, sorted(client.said)) == (404, ["error", "hint"])


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/predict", b"POST"),
        ("OPTIONS", "/predict", b"POST"),
        ("POST", "/symbols", b"GET, HEAD"),
        ("DELETE", "/metrics", b"GET, HEAD"),
        ("POST", "/livez", b"GET, HEAD"),
        ("X" * 100, "/predict", b"POST"),
    ],
)
def test_another_method_is_refused_and_the_right_one_named(method, path, allowed):
    client = ask(path, method=method)
    assert (client.status, client.answered[b"allow"]) == (405, allowed)
    assert sorted(client.said) == ["error", "hint"]


PAGES = [
    path for path, it in ROUTES.items() if "GET" in it.handlers and "/predictions/" not in path
]


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_answered_and_loads_nothing_from_outside(path):
    client = get(path)
    assert client.status == 200
    content = client.sent[1]["body"].decode()
    assert not re.search(r"https?://|<script|@import", content)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/predict", b'{"symbol": "AAPL", "symbol": "MSFT"}'),
        ("/predict", b'{"symbol": "AAPL", "texts": [{"text": "a"}], "texts": []}'),
        ("/predict", b'{"symbol": "AAPL", "texts": [{"text": "a", "text": "b"}]}'),
        ("/predict_batch", b'{"symbols": ["AAPL"], "symbols": ["MSFT"]}'),
        ("/sentiment", b'{"texts": ["a"], "texts": ["b"]}'),
        ("/forecast", b'{"prices": [1], "prices": [%b]}' % b",".join([b"1"] * 40)),
        ("/outcomes", b'{"outcomes": [{"prediction_id": "a", "prediction_id": "b", '
                      b'"return_next_session": 0}]}'),
    ],
)  # fmt: skip
def test_what_is_named_twice_is_refused_everywhere(tmp_path, path, body):
    client = ask(path, body, front=recording(tmp_path))
    assert client.status == 400
    assert re.search(r"the request names '\w+' twice", client.said["error"])


def test_two_thousand_at_once_are_answered_or_told_to_come_again():
    front = Front(refuse, served())
    begun = asyncio.Semaphore(0)

    class Slow(Client):
        """Sends its body once all the others have come too."""

        async def receive(self) -> dict:
            await begun.acquire()
            return await super().receive()

    async def many() -> list[Client]:
        asked = [asyncio.create_task(Slow("/predict", b'{"symbol":"AAPL"}').ask(front))
                 for _ in range(2_000)]  # fmt: skip
        await asyncio.sleep(0)
        for _ in asked:
            begun.release()
        return await asyncio.gather(*asked)

    found = Counter(client.status for client in asyncio.run(many()))
    assert found == {200: MAX_IN_PROGRESS, 429: 2_000 - MAX_IN_PROGRESS}
    assert ask("/predict", {"symbol": "AAPL"}, front=front).status == 200


def test_a_forecast_is_given_from_prices_alone_and_is_no_prediction(tmp_path):
    front = recording(tmp_path)
    client = ask("/forecast", {"prices": [100 + at % 5 for at in range(60)]}, front=front)
    assert client.status == 200
    said = client.said
    assert said["interval"]["lower"] < said["expected_close"] == 104 < said["interval"]["upper"]
    assert said["uses"] == "the prices that were sent alone"
    assert get("/predictions/history", front=front).said == {"answers": []}
    assert ask("/forecast", {"prices": [1, 2]}, front=front).status == 400


def test_what_is_known_of_symbols_and_model_is_listed():
    symbols = get("/symbols").said["symbols"]
    assert [it["symbol"] for it in symbols] == ["AAPL", "GONE", "MSFT"]
    assert symbols[1]["delisted_date"] == "2024-06-27"
    model = get("/model").said
    assert model["features"] == list(fakes.NAMES)
    assert (model["is_proven"], model["is_expired"]) == (True, True)
    assert get("/health").said["status"] == "expired"


def test_twenty_thousand_unknown_paths_leave_the_metrics_as_they_are():
    front = Front(refuse, served())
    get("/nothing", front=front)
    before = get("/metrics", front=front).sent[1]["body"].count(b"\n")

    async def many() -> None:
        for number in range(20_000):
            await Client(f"/nothing/{number}", method="GET", headers=()).ask(front)

    asyncio.run(many())
    after = get("/metrics", front=front).sent[1]["body"]
    assert after.count(b"\n") <= before + 20, "the lines of /metrics itself"
    assert b"/nothing" not in after


def test_the_metrics_count_the_answers_that_were_prepared():
    front, before = Front(refuse, served()), metrics.PREPARED.values[()]
    ask("/predict_batch", {"symbols": ["AAPL", "MSFT"]}, front=front)
    ask("/predict", {"symbol": "AAPL"}, front=front)
    ask("/predict", {"features": ROW}, front=front)
    assert metrics.PREPARED.values[()] == before + 3


def test_the_metrics_count_requests_and_abstentions():
    front = Front(refuse, served(is_proven=False))
    before = metrics.ABSTENTIONS.values.get(("no_proven_skill",), 0)
    ask("/predict", {"symbol": "AAPL"}, front=front)
    assert metrics.ABSTENTIONS.values[("no_proven_skill",)] == before + 1
    text = get("/metrics", front=front).sent[1]["body"].decode()
    assert re.search(r'finpulse_requests_total\{route="/predict",status="200"\} \d+\n', text)
    count = re.search(r'finpulse_request_seconds_count\{route="/predict"\} (\d+)\n', text)
    total = re.search(r'finpulse_request_seconds_bucket\{route="/predict",le="\+Inf"\} (\d+)', text)
    assert count[1] == total[1]
    assert "finpulse_sessions_behind 249\n" in text


def test_without_a_model_every_answer_is_a_503_that_tells_no_path():
    front = Front(refuse, Served())
    for path in ("/symbols", "/model", "/status", "/readyz", "/health"):
        client = get(path, front=front)
        assert client.status == 503
        assert not re.search(r"[/\\]\w+[/\\]|[0-9a-f]{12}", json.dumps(client.said))
    assert ask("/predict", {"symbol": "AAPL"}, front=front).status == 503
    assert get("/openapi.json", front=front).status == 200
    assert get("/metrics", front=front).status == 200


def test_while_it_drains_it_answers_closes_and_is_not_ready():
    draining = served()
    draining.is_draining = True
    front = Front(refuse, draining)
    client = ask("/predict", {"symbol": "AAPL"}, front=front)
    assert (client.status, client.answered[b"connection"]) == (200, b"close")
    assert get("/readyz", front=front).status == 503


def test_two_probes_and_the_description_for_clients_are_bentomls():
    asked = []

    async def behind(scope, receive, send):
        asked.append(scope["path"])

    front = Front(behind, served())
    for path in ("/livez", "/healthz", "/schema.json"):
        asyncio.run(Client(path, method="GET").ask(front))
    assert asked == ["/livez", "/healthz", "/schema.json"]


def test_an_error_of_our_own_is_a_500_without_its_words(monkeypatch, caplog):
    broken = served()
    monkeypatch.setattr(type(broken.current), "reply", lambda *_, **__: 1 / 0)
    client = ask("/predict", {"symbol": "AAPL"}, front=Front(refuse, broken))
    assert (client.status, client.said["error"]) == (500, "the request could not be answered")
    assert "ZeroDivisionError" in caplog.text


def test_the_front_stands_before_bentomls_own_middlewares():
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    passed = []

    class Slow:
        """Stands where BentoML puts its timer and its trace."""

        def __init__(self, app) -> None:
            self.app = app

        async def __call__(self, scope, receive, send) -> None:
            passed.append(scope.get("path", scope["type"]))
            await self.app(scope, receive, send)

    async def live(_):
        return PlainTextResponse("live")

    behind = [Middleware(Slow), Middleware(Front, served=served())]
    application = Starlette(routes=[Route("/livez", live)], middleware=behind)

    async def run() -> list[int]:
        messages = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])

        async def receive():
            return next(messages)

        async def send(_):
            pass

        await application({"type": "lifespan"}, receive, send)
        asked = Client("/predict", b'{"symbol":"AAPL"}')
        probe = Client("/livez", method="GET", headers=(), announced=False)
        return [(await client.ask(application)).status for client in (asked, probe)]

    assert asyncio.run(run()) == [200, 200]
    assert passed == ["lifespan", "/livez"]
