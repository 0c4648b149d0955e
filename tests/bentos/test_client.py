"""The client against the service: every endpoint by a method, in turn and awaited."""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from bentos.price_predictor.fresh import FreshRows
from bentos.price_predictor.scorer import Scorer
from finpulse_assets.client import (
    AsyncClient,
    Bar,
    Client,
    RefusedError,
    Retries,
    Signal,
    Text,
    UnreachableError,
)
from tests.bentos.front_client import InProcess, KeywordScorer, get, recording
from tests.bentos.server import Server
from tests.bentos.test_fresh import Rows
from tests.fakes.ports import free_port

pytest.importorskip("bentoml", reason="the extra `service` is not installed")

PRICES = [100.0 + at % 7 for at in range(40)]
BAR = Bar(date(2024, 6, 28), 2, 3, 1, 2.5, 10)


class Awaited:
    """An AsyncClient, each call of which is run to its end."""

    def __init__(self, url: str, **options: Any) -> None:
        self.url, self.options = url, options

    def __getattr__(self, name: str) -> Any:
        async def run(*arguments: Any, **options: Any) -> Any:
            async with AsyncClient(self.url, **self.options) as client:
                return await getattr(client, name)(*arguments, **options)

        return lambda *arguments, **options: asyncio.run(run(*arguments, **options))


@pytest.fixture
def in_process(tmp_path) -> InProcess:
    front = recording(tmp_path)
    front.served.scorer = Scorer(KeywordScorer)
    front.served.fresh = FreshRows(Rows(), front.served.scorer)
    return InProcess(front)


# Every method of the clients by its name, and what must be true of what it returns.
CALLS: dict[str, Callable[[Any], bool]] = {
    "predict": lambda it: it.predict("AAPL").symbol == "AAPL",
    "predict_row": lambda it: (
        it.predict_row(it.predict("AAPL", with_features=True).features_used).symbol is None
    ),
    "predict_symbols": lambda it: it.predict_symbols(["MSFT", "AAPL"])[0].symbol == "MSFT",
    "predict_rows": lambda it: len(it.predict_rows([dict.fromkeys(it.model().features)] * 2)) == 2,
    "sentiment": lambda it: it.sentiment(["acme beats"])[0].label == "positive",
    "forecast": lambda it: it.forecast(PRICES).expected_close == PRICES[-1],
    "report_outcomes": lambda it: (
        it.report_outcomes({it.predict("AAPL").prediction_id: 0.01}) == 1
        and it.prediction(it.history()[0].prediction_id).outcome.return_next_session == 0.01
    ),
    "prediction": lambda it: (
        it.prediction((given := it.predict("AAPL")).prediction_id).answer == given
    ),
    "history": lambda it: (given := it.predict("AAPL")) and it.history("AAPL")[0] == given,
    "news": lambda it: [text.score for text in it.news("AAPL", limit=1)] == [0.8],
    "symbols": lambda it: [each.symbol for each in it.symbols()] == ["AAPL", "GONE", "MSFT"],
    "model": lambda it: "ranking" in it.model().skills,
    "status": lambda it: it.status().symbol_count == 3,
    "health": lambda it: it.health() in ("stale", "expired"),
    "ready": lambda it: it.ready() == "ready",
    "metrics": lambda it: "finpulse_requests_total" in it.metrics(),
}


@pytest.mark.parametrize("kind", [Client, Awaited])
@pytest.mark.parametrize("name", CALLS)
def test_every_question_is_answered_in_its_type(in_process, kind, name):
    assert CALLS[name](kind("http://service", transport=in_process))


def test_every_endpoint_of_the_document_has_a_method_of_the_client(in_process):
    client = Client("http://service", transport=in_process)
    for call in CALLS.values():
        call(client)
    paths = get("/openapi.json", front=in_process.inner.app).said["paths"]
    without = {
        f"{method.upper()} {path}"
        for path, methods in paths.items()
        for method in methods
        if not any(
            (asked, re.sub(r"^/predictions/[0-9a-f]{14}-.*", "/predictions/{id}", at))
            == (method.upper(), path)
            for asked, at in in_process.asked
        )
    }
    assert without == set(), "no method of the client asks for these"


def test_both_clients_have_the_same_methods_and_all_of_them_are_tried():
    def methods(kind: type) -> dict[str, str]:
        members = inspect.getmembers(kind, inspect.isfunction)
        return {name: str(inspect.signature(it)) for name, it in members if name[0] != "_"}

    own, awaited = methods(Client), methods(AsyncClient)
    assert "symbols" in awaited.pop("stream")
    assert own == awaited
    assert set(own) == {*CALLS, "close"}


@pytest.mark.parametrize("kind", [Client, Awaited])
def test_texts_and_prices_of_ones_own_are_sent_with_the_symbol(in_process, kind):
    client = kind("http://service", transport=in_process)
    said = client.predict(
        "AAPL", texts=["acme beats", Text("bolt misses", "headline", "ann")], prices=[BAR]
    )
    assert (said.fresh_inputs.texts, said.fresh_inputs.prices) == (2, 1)
    ((asked, scores),) = in_process.inner.app.served.fresh.features.asked
    assert [it.kind for it in asked.texts] == ["tweet", "headline"]
    assert [it.label for it in scores] == ["positive", "negative"]
    assert said.expected_close == BAR.close * (1 + said.expected_return)


def test_a_service_that_drains_is_not_ready_in_its_own_words(in_process):
    in_process.inner.app.served.is_draining = True
    client = Client("http://service", transport=in_process, retries=Retries(attempts=1))
    for ask in (client.ready, client.health):
        with pytest.raises(RefusedError, match="the service is shutting down") as caught:
            ask()
        assert caught.value.status == 503


@pytest.mark.parametrize("kind", [Client, Awaited])
def test_a_running_service_is_asked_over_the_network(servers: dict[str, Server], kind):
    client = kind(servers["store"].url)
    one = client.predict("AAPL", with_features=True)
    again = client.predict_row(one.features_used, with_reasons=True)
    assert (again.symbol, again.probability, bool(again.reasons)) == (None, one.probability, True)
    assert client.prediction(one.prediction_id).answer == one
    with pytest.raises(RefusedError, match=r"'AAPX' is unknown.*the nearest are AAPL") as caught:
        client.predict("AAPX")
    assert caught.value.status == 404


def test_the_stream_of_a_running_service_is_read_and_its_refusals_told(servers):
    async def first(client: AsyncClient, count: int, *symbols: str) -> list[Signal]:
        found = []
        async for signal in client.stream(symbols):
            found.append(signal)
            if len(found) == count:
                return found
        raise AssertionError("the stream has ended")

    url = servers["store"].url
    own = asyncio.run(first(AsyncClient(url), 1, "AAPL"))
    assert [it.symbol for it in own] == ["AAPL"]
    assert [it.symbol for it in asyncio.run(first(AsyncClient(url), 3))] == ["AAPL", "GONE", "MSFT"]
    with pytest.raises(RefusedError, match="the query has") as caught:
        asyncio.run(first(AsyncClient(url), 1, "A" * 41))
    assert caught.value.status == 400
    nowhere = AsyncClient(f"http://127.0.0.1:{free_port()}", retries=Retries(attempts=1))
    with pytest.raises(UnreachableError, match="gave no answer in 1 attempts"):
        asyncio.run(first(nowhere, 1))
