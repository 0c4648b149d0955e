"""The client without a service: when it asks again, how long it waits, what it says at last."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from finpulse_assets.client import AsyncClient, Client, RefusedError, Retries, UnreachableError
from finpulse_assets.client.retries import Course
from tests.fakes import serving as fakes

KINDS = (Client, AsyncClient)
URL = "http://service:3010"


def answer() -> bytes:
    return (
        fakes.answering()
        .reply(b'{"symbol": "AAPL"}', now=fakes.NOW)
        .stamped("0" * 14 + "-" + "0" * 14, "2024-06-28T20:30:00Z", 0.1)
    )


def refusal(status: int, **headers: str) -> httpx.Response:
    content = {"error": "it is busy", "hint": "come again"}
    return httpx.Response(status, json=content, headers=headers)


class Service:
    """Gives its replies one after the other, and notes what it was asked."""

    def __init__(self, *replies: httpx.Response | Exception) -> None:
        self.replies, self.asked = list(replies), []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply


@pytest.fixture
def waits(monkeypatch) -> list[float]:
    found: list[float] = []

    async def wait(seconds: float) -> None:
        found.append(seconds)

    monkeypatch.setattr(time, "sleep", found.append)
    monkeypatch.setattr(asyncio, "sleep", wait)
    return found


def run(kind: type, service: Service, call: Callable[[Any], Any], **options: Any) -> Any:
    """Return what a call of the client gives; its connections end in `service`."""
    client = kind(URL, **options)
    other = {Client: httpx.Client, AsyncClient: httpx.AsyncClient}[kind]
    client._http = other(
        transport=httpx.MockTransport(service), base_url=URL, headers=client._http.headers
    )
    made = call(client)
    return asyncio.run(made) if asyncio.iscoroutine(made) else made


def ask(client: Any) -> Any:
    return client.predict("AAPL")


@pytest.mark.parametrize("kind", KINDS)
def test_a_refusal_that_passes_is_waited_for_as_long_as_it_says(kind, waits):
    service = Service(
        refusal(429, **{"Retry-After": "7"}),
        refusal(503, **{"Retry-After": "2"}),
        httpx.ConnectError("refused"),
        httpx.Response(200, content=answer()),
    )
    assert run(kind, service, ask).symbol == "AAPL"
    assert waits[:2] == [7.0, 2.0]
    assert 0.2 <= waits[2] <= 0.4, "without a word the waits double, drawn from half to whole"
    assert [it.content for it in service.asked] == [b'{"symbol":"AAPL"}'] * 4


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 413, 415, 500])
def test_what_does_not_pass_by_itself_is_told_at_once(kind, status, waits):
    with pytest.raises(RefusedError, match=r"it is busy\. Hint: come again") as caught:
        run(kind, Service(refusal(status)), ask)
    assert (caught.value.status, waits) == (status, [])


@pytest.mark.parametrize("kind", KINDS)
def test_the_attempts_and_the_patience_have_an_end(kind, waits):
    busy = [refusal(503, **{"Retry-After": "1"}) for _ in range(9)]
    with pytest.raises(RefusedError):
        run(kind, Service(*busy), ask, retries=Retries(attempts=3))
    assert waits == [1.0, 1.0]
    waits.clear()
    with pytest.raises(RefusedError) as caught:
        run(kind, Service(refusal(429, **{"Retry-After": "3600"})), ask)
    assert (caught.value.status, waits) == (429, [])
    with pytest.raises(UnreachableError, match=r"gave no answer in 2 attempts: refused"):
        failing = [httpx.ConnectError("refused")] * 2
        run(kind, Service(*failing), ask, retries=Retries(attempts=2))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("content", [b"<html>", b"{}", b'{"answers": 1}'])
def test_another_service_at_the_url_is_no_answer(kind, content):
    for status in (200, 404):
        with pytest.raises(UnreachableError, match="does not answer as the prediction service"):
            run(kind, Service(httpx.Response(status, content=content)), ask)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("0", 0.0), ("12", 12.0), ("Fri, 28 Jun 2024 20:30:20 GMT", 20.0),
     ("Fri, 28 Jun 2024 20:29:00 GMT", 0.0)],
)  # fmt: skip
def test_a_retry_after_is_a_number_of_seconds_or_a_time(header, seconds):
    now = datetime(2024, 6, 28, 20, 30, tzinfo=UTC)
    course = Course(URL, Retries(), lambda: now)
    assert course.after_refusal(refusal(503, **{"Retry-After": header})) == seconds


@pytest.mark.parametrize("header", ["soon", "-1", "1.5", "Fri, 99 Jun 2024"])
def test_a_retry_after_that_cannot_be_read_is_as_none(header):
    course = Course(URL, Retries())
    assert 0.05 <= course.after_refusal(refusal(503, **{"Retry-After": header})) <= 0.1


@pytest.mark.parametrize("kind", KINDS)
def test_the_key_is_sent_and_an_id_stays_one_part_of_the_path(kind):
    service = Service(refusal(400))
    with pytest.raises(RefusedError):
        run(kind, service, lambda client: client.prediction("../metrics"), key="fp_x")
    (asked,) = service.asked
    assert asked.url.raw_path == b"/predictions/..%2Fmetrics"
    assert asked.headers["authorization"] == "Bearer fp_x"


@pytest.mark.parametrize("kind", KINDS)
def test_a_field_that_a_newer_service_adds_is_no_error(kind):
    newer = answer()[:-1] + b',"a_new_field":1}'
    service = Service(httpx.Response(200, content=newer))
    assert run(kind, service, ask).prediction in ("up", "down")
