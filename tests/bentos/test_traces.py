"""Traces: a span of each request reaches a collector, under the caller's own span."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from bentos.price_predictor.front import Front
from bentos.price_predictor.traces import Traces
from tests.bentos.front_client import JSON_TYPE, ask, refuse, served
from tests.fakes.ports import free_port

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


class Collector(BaseHTTPRequestHandler):
    """Takes what is posted to /v1/traces."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.taken.append((self.path, json.loads(body)))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def collector() -> Iterator[HTTPServer]:
    server = HTTPServer(("127.0.0.1", 0), Collector)
    server.taken = []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def traced(url: str) -> Front:
    found = served()
    found.traces = Traces(url)
    return Front(refuse, found)


def test_a_request_is_a_span_below_the_callers_own_and_holds_no_body(collector):
    front = traced(f"http://127.0.0.1:{collector.server_port}")
    parent = (b"traceparent", f"00-{TRACE}-{SPAN}-01".encode())
    headers = (JSON_TYPE, parent, (b"x-request-id", b"mine"), (b"x-api-key", b"fp_secret"))
    ask("/predict", {"symbol": "AAPL"}, front=front, headers=headers)
    ask("/nothing/secret", {}, front=front)
    front.served.traces.provider.shutdown()
    ((path, sent),) = collector.taken
    assert path == "/v1/traces"
    (resource,) = sent["resourceSpans"]
    spans = resource["scopeSpans"][0]["spans"]
    assert [it["name"] for it in spans] == ["POST /predict", "POST other"]
    first = spans[0]
    assert (first["traceId"], first["parentSpanId"], first["kind"]) == (TRACE, SPAN, 2)
    assert int(first["endTimeUnixNano"]) > int(first["startTimeUnixNano"])
    attributes = {it["key"]: it["value"] for it in first["attributes"]}
    assert attributes["http.response.status_code"] == {"intValue": "200"}
    assert attributes["finpulse.request_id"] == {"stringValue": "mine"}
    assert "parentSpanId" not in spans[1]
    assert not {"AAPL", "secret"} & set(json.dumps(sent).replace('"', " ").split())


def test_an_absent_collector_is_told_once_and_costs_no_answer(caplog):
    front = traced(f"http://127.0.0.1:{free_port()}")
    for _ in range(2):
        assert ask("/predict", {"symbol": "AAPL"}, front=front).status == 200
        front.served.traces.provider.force_flush()
    front.served.traces.provider.shutdown()
    assert caplog.text.count("traces cannot be sent") == 1
