"""The real service over HTTP: from the folder, from the store, as the built bento, and broken.

Four servers, started together: the start is the slow part.
"""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from datetime import UTC, datetime
from urllib.request import ProxyHandler, build_opener

import pytest

from finpulse_assets.cli.predict import ask_service
from finpulse_assets.domain.serving.answer import Answer, Status
from finpulse_assets.errors import RequestError, ServiceError
from finpulse_assets.settings import load_settings
from tests.bentos.server import LIMIT_SECONDS, ROOT, Server
from tests.fakes import serving as fakes

pytest.importorskip("bentoml", reason="the extra `service` is not installed")

ROW = {"return_1d": 0.5, "rsi_14": None, "sentiment_mean": 1}


def without_latency(answer: bytes) -> bytes:
    """Return an answer without what every answer has of its own."""
    own = ("prediction_id", "timestamp", "latency_ms")
    return json.dumps({k: v for k, v in json.loads(answer).items() if k not in own}).encode()


@pytest.mark.parametrize(
    "request_body", [{"symbol": "AAPL"}, {"symbol": "msft"}, {"symbol": "GONE"}, {"features": ROW}]
)
def test_the_three_ways_answer_with_the_same_bytes(servers, request_body):
    body = json.dumps(request_body).encode()
    replies = {name: servers[name].call("/predict", body) for name in ("folder", "store", "bento")}
    assert {status for status, _ in replies.values()} == {200}
    assert len({without_latency(answer) for _, answer in replies.values()}) == 1
    itself = fakes.answering().reply(body, now=datetime.now(UTC))
    assert without_latency(replies["bento"][1]) == without_latency(itself.stamped("i", "t", 0.1))
    Answer.model_validate_json(replies["bento"][1])


def test_the_built_bento_runs_its_own_source(servers):
    openapi = json.loads(servers["bento"].call("/openapi.json")[1])
    form = json.dumps(openapi["components"]["schemas"])
    assert "candidate id of the champion" in form
    assert servers["bento"].call("/healthz")[0] == 200
    assert b"finpulse_requests_total" in servers["bento"].call("/metrics")[1]


def test_a_plain_install_of_the_service_answers_without_dagster_and_dbt(tmp_path):
    """Only what the core and the extra `service` bring can be imported."""
    bundle = fakes.bundle(tmp_path / "bundle")
    command = [sys.executable, "-W", "ignore", "-m", "tests.bentos.plain_install", str(bundle)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert {"dagster", "dbt", "duckdb", "torch", "mlflow", "streamlit"} <= set(found["absent"])
    assert {status for statuses in found["statuses"].values() for status in statuses} == {200}
    assert found["loaded"] == []


@pytest.mark.parametrize(
    ("body", "status", "error", "hint"),
    [
        ({"symbol": "APPL"}, 404, "the symbol 'APPL' is unknown", "the nearest are AAPL"),
        ({"symbol": "AAPL", "x": 1}, 400, "the request has the unknown field 'x'", "send"),
        ({"symbol": "\ud800"}, 404, r"the symbol '\ud800' is unknown", "the nearest are"),
        ({"features": ROW | {"extra": 1}}, 400, "does not know the feature 'extra'", "leave it"),
        ({"features": {"rsi_14": 1}}, 400, "lack 2 of the model's 3: return_1d", "name each"),
        ({"features": ROW | {"rsi_14": float("nan")}}, 400, "rsi_14 is nan", "send null"),
        ({"features": ROW | {"rsi_14": "high"}}, 400, "rsi_14 is 'high'", "send null"),
        ([], 400, "the request is []", "send"),
    ],
)
def test_a_bad_request_gets_a_sentence_and_a_fix(servers, body, status, error, hint):
    found, reply = servers["folder"].call("/predict", json.dumps(body).encode())
    said = json.loads(reply)
    assert (found, sorted(said)) == (status, ["error", "hint"])
    assert error in said["error"]
    assert said["hint"].startswith(hint)


def test_what_is_not_json_gets_a_sentence_and_no_request_leaves_a_traceback(servers):
    status, reply = servers["folder"].call("/predict", b"{")
    assert status == 400
    assert json.loads(reply)["error"].startswith("the request is not JSON")
    assert "Traceback" not in servers["folder"].log.read_text()


def test_features_of_2024_are_stale_by_the_services_clock(servers):
    answer = ask_service(servers["folder"].url, b'{"symbol": "AAPL"}')
    assert answer.abstain_reasons[:2] == ["target_session_opened", "features_stale"]
    status, reply = servers["folder"].call("/status")
    said = Status.model_validate_json(reply)
    assert (status, said.is_stale, said.stale_symbol_count) == (200, True, 2)
    assert said.features_as_of == datetime(2024, 6, 28, 20, 15, tzinfo=UTC)
    metrics = servers["folder"].call("/metrics")[1].decode()
    assert f"finpulse_sessions_behind {answer.sessions_behind}\n" in metrics
    (age,) = re.findall(r"^finpulse_features_age_seconds ([\d.]+)$", metrics, re.MULTILINE)
    assert float(age) > 365 * 24 * 3600


HEAD = "POST /predict HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n"
CHUNK = b"4000\r\n" + b"x" * 0x4000 + b"\r\n"  # 16 KiB


@pytest.mark.parametrize(
    ("sent", "size"),
    [
        # 10 MB are announced and none of them is sent: a server that waits for them never answers.
        (f"{HEAD}Content-Length: 10000000\r\n\r\n".encode(), "10000000"),
        # 80 KiB of a body that has no end.
        (f"{HEAD}Transfer-Encoding: chunked\r\n\r\n".encode() + 5 * CHUNK, "more than 65536"),
    ],
    ids=["announced", "chunked"],
)
def test_a_body_beyond_the_limit_is_refused_before_it_is_read(servers, sent, size):
    reply = converse(servers["folder"], sent)
    assert reply.startswith(b"HTTP/1.1 413 ")
    said = json.loads(reply.partition(b"\r\n\r\n")[2])
    assert said["error"] == f"the request has {size} bytes, the limit is 65536"
    assert servers["folder"].call("/predict", b'{"symbol": "AAPL"}')[0] == 200


def converse(server: Server, sent: bytes) -> bytes:
    """Send bytes and return what the server says until it closes the connection."""
    port = int(server.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=LIMIT_SECONDS) as connection:
        connection.sendall(sent)
        reply = b""
        while part := connection.recv(65536):
            reply += part
        return reply


def test_a_flipped_byte_keeps_the_service_from_being_ready_and_is_told(servers):
    broken = servers["broken"]
    assert broken.call("/readyz")[0] == broken.call("/status")[0] == 503
    status, reply = broken.call("/predict", b'{"symbol": "AAPL"}')
    assert status == 503
    assert json.loads(reply)["error"] == "the service has no model that it can trust"
    log = broken.log.read_text()
    assert re.search(r"not ready: .*expected_return.lightgbm.txt has the sha256 .* Hint:", log)
    assert "Traceback" not in log
    with pytest.raises(ServiceError, match="no model that it can trust"):
        ask_service(broken.url, b"{}")


def test_the_command_line_asks_the_service(servers):
    answer = ask_service(servers["store"].url, b'{"symbol": "AAPL"}')
    assert (
        answer.features_used
        == fakes.answering().answer(b'{"symbol": "AAPL"}', now=fakes.NOW).features_used
    )
    with pytest.raises(RequestError, match=r"'AAPX' is unknown.*Hint: the nearest are AAPL"):
        ask_service(servers["store"].url, b'{"symbol": "AAPX"}')


def test_finpulse_serve_says_what_it_serves(servers):
    said = " ".join(servers["store"].log.read_text().split())
    assert re.search(r"price_predictor:\w{16} on http://127\.0\.0\.1:\d+, champion \w{16}", said)
    assert "(proven), 3 symbols; ask with: finpulse predict AAPL" in said


def test_a_service_says_whose_home_it_serves_and_not_where(servers):
    found = {}
    for name in ("store", "bento"):
        with build_opener(ProxyHandler({})).open(servers[name].url + "/status") as reply:
            found[name] = reply.headers.get("X-FinPulse-Home")
    home = servers["store"].log.parent / ".finpulse"
    own = load_settings(home=home, profile="demo").home_id
    assert found == {"store": own, "bento": None}
