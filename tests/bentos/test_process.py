"""The service's processes: a worker that is killed, and a stop while requests wait."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
from collections import Counter
from pathlib import Path
from threading import Event, Thread

import psutil
import pytest

from finpulse_assets.domain.serving.answering import Answering
from finpulse_assets.domain.serving.ledger import Entry, replayed
from finpulse_assets.gateways.serving.bundle import read_bundle
from finpulse_assets.gateways.serving.ledger import read_segment, segments
from tests.bentos.server import SERVICE, Server, start
from tests.fakes import serving as fakes

pytest.importorskip("bentoml", reason="the extra `service` is not installed")

BODY = b'{"symbol":"AAPL"}'
ROW = json.dumps({"features": {"return_1d": 0.5, "rsi_14": None, "sentiment_mean": 1}}).encode()
HEADERS = {"Content-Type": "application/json"}


@pytest.fixture
def pair(tmp_path):
    """Two services of one home: one bundle, one ledger."""
    bundle = fakes.bundle(tmp_path / "bundle")
    environment = {"BENTOML_HOME": str(tmp_path), "FINPULSE_SERVICE_HOME": str(bundle),
                   "FINPULSE_LEDGER_FOLDER": str(tmp_path / "ledger")}  # fmt: skip
    command = ["bentoml", "serve", "--host", "127.0.0.1", SERVICE]
    found = [start(tmp_path / f"log{number}", command, environment) for number in range(2)]
    try:
        yield [it.until("/readyz") for it in found]
    finally:
        for it in found:
            it.process.terminate()  # killed, it would leave its worker behind
        for it in found:
            it.process.wait(timeout=600)


def worker_of(server: Server) -> psutil.Process:
    children = psutil.Process(server.process.pid).children()
    (worker,) = [it for it in children if "_bentoml_impl.worker.service" in it.cmdline()]
    return worker


def stand_in_of(server: Server) -> psutil.Process:
    children = psutil.Process(server.process.pid).children()
    (found,) = [it for it in children if any("stand_in.py" in part for part in it.cmdline())]
    return found


class Caller(Thread):
    """Asks over and over in kept connections and keeps what it gets, until it is told to go."""

    def __init__(self, port: int, body: bytes = BODY) -> None:
        super().__init__()
        self.port, self.body = port, body
        self.got, self.answers, self.refusals, self.has_begun = Counter(), [], [], Event()

    def run(self) -> None:
        connection = None
        while not (self.got[503] or self.got["refused"]):
            connection = connection or http.client.HTTPConnection("127.0.0.1", self.port)
            try:
                connection.request("POST", "/predict", self.body, HEADERS)
                reply = connection.getresponse()
                content = reply.read()
            except ConnectionRefusedError:
                self.got["refused"] += 1
            except (OSError, http.client.HTTPException) as error:
                self.got[type(error).__name__] += 1
                connection = None
            else:
                self.got[reply.status] += 1
                (self.answers if reply.status == 200 else self.refusals).append(content)
                self.has_begun.set()
                if reply.will_close:
                    connection = None


def callers_of(server: Server) -> list[Caller]:
    """Return callers of a service that have begun, half of them with feature rows."""
    port = int(server.url.rpartition(":")[2])
    found = [Caller(port, body) for body in (BODY, ROW, BODY, ROW)]
    for caller in found:
        caller.start()
    for caller in found:
        assert caller.has_begun.wait(300)
    return found


def ended(callers: list[Caller]) -> Counter:
    for caller in callers:
        caller.join(timeout=300)
        assert not caller.is_alive()
    return sum((caller.got for caller in callers), Counter())


def recorded_in(ledger: Path) -> dict[bytes, Entry]:
    """Return the ledger by what was sent; each segment is held to its chain."""
    return {it.content: it for path in segments(ledger) for it in read_segment(path)}


def answered(server: Server) -> float:
    found = re.search(rb'finpulse_answers_total{role="live"} (\d+)', server.call("/metrics")[1])
    return int(found[1]) if found else 0


def test_a_killed_worker_is_answered_for_and_a_stop_loses_no_request(pair, tmp_path):
    server, other = pair
    ledger = tmp_path / "ledger"
    assert other.call("/predict", BODY)[0] == 200
    stand_in = stand_in_of(server)

    callers = callers_of(server)
    worker = worker_of(server)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    # Without a stand-in they would wait until the next worker is there, and get 200.
    got = ended(callers)
    assert got[503] > 0
    assert got[200] > 0
    refusals = [content for caller in callers for content in caller.refusals]
    assert {tuple(json.loads(content)) for content in refusals} == {("error", "hint")}
    sent = [content for caller in callers for content in caller.answers]
    assert set(sent) <= set(recorded_in(ledger)), "what was acknowledged is in the ledger"

    # Neither the kill nor the load was the other service's.
    assert answered(other) == 1
    assert other.call("/predict", BODY)[0] == 200
    assert len(segments(ledger)) == 2

    server.until("/readyz")
    assert worker_of(server).pid != worker.pid
    many = b'{"symbols":[%b]}' % b",".join([b'"MSFT"'] * 500)
    for body in (many, many):
        assert server.call("/predict_batch", body)[0] == 200

    callers = callers_of(server)
    os.kill(server.process.pid, signal.SIGTERM)
    server.process.wait(timeout=300)
    got = ended(callers)
    assert set(got) <= {200, 503, "refused"}, "a connection that was accepted was answered"
    assert got[200] > 0
    psutil.wait_procs([stand_in], timeout=300)
    assert not stand_in.is_running()
    assert "Traceback" not in Path(server.log).read_text()

    # Over a kill, a restart and a stop, in a process that has never served.
    entries = recorded_in(ledger)
    assert {content for caller in callers for content in caller.answers} <= set(entries)
    assert len(entries) > 1000
    (bundle,) = (ledger / "bundles").iterdir()
    answering = Answering(read_bundle(bundle))
    assert [it for it in entries.values() if replayed(it, answering) != it.content] == []
