"""The service's processes: a worker that is killed, and a stop while requests wait."""

from __future__ import annotations

import http.client
import json
import os
import signal
from collections import Counter
from pathlib import Path
from threading import Event, Thread

import psutil
import pytest

from tests.bentos.server import SERVICE, Server, start
from tests.fakes import serving as fakes

pytest.importorskip("bentoml", reason="the extra `service` is not installed")

BODY = b'{"symbol":"AAPL"}'
HEADERS = {"Content-Type": "application/json"}


@pytest.fixture
def server(tmp_path):
    bundle = fakes.bundle(tmp_path / "bundle")
    environment = {"BENTOML_HOME": str(tmp_path), "FINPULSE_SERVICE_HOME": str(bundle)}
    found = start(
        tmp_path / "log", ["bentoml", "serve", "--host", "127.0.0.1", SERVICE], environment
    ).until("/readyz")
    try:
        yield found
    finally:
        found.process.kill()
        found.process.wait()


def worker_of(server: Server) -> psutil.Process:
    children = psutil.Process(server.process.pid).children()
    (worker,) = [it for it in children if "_bentoml_impl.worker.service" in it.cmdline()]
    return worker


def stand_in_of(server: Server) -> psutil.Process:
    children = psutil.Process(server.process.pid).children()
    (found,) = [it for it in children if any("stand_in.py" in part for part in it.cmdline())]
    return found


class Caller(Thread):
    """Asks over and over in kept connections, and counts what it gets, until it is told to go."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self.port, self.got, self.has_begun = port, Counter(), Event()

    def run(self) -> None:
        connection = None
        while not (self.got[503] or self.got["refused"]):
            connection = connection or http.client.HTTPConnection("127.0.0.1", self.port)
            try:
                connection.request("POST", "/predict", BODY, HEADERS)
                reply = connection.getresponse()
                reply.read()
            except ConnectionRefusedError:
                self.got["refused"] += 1
            except (OSError, http.client.HTTPException) as error:
                self.got[type(error).__name__] += 1
                connection = None
            else:
                self.got[reply.status] += 1
                self.has_begun.set()
                if reply.will_close:
                    connection = None


def test_a_killed_worker_is_answered_for_and_a_stop_loses_no_request(server):
    port = int(server.url.rpartition(":")[2])
    assert server.call("/predict", BODY)[0] == 200
    stand_in = stand_in_of(server)

    worker = worker_of(server)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    # Without a stand-in this call waits until the next worker is there, and gets 200.
    status, content = server.call("/predict", BODY)
    assert (status, sorted(json.loads(content))) == (503, ["error", "hint"])
    server.until("/readyz")
    assert worker_of(server).pid != worker.pid
    assert server.call("/predict", BODY)[0] == 200

    callers = [Caller(port) for _ in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        assert caller.has_begun.wait(300)
    os.kill(server.process.pid, signal.SIGTERM)
    server.process.wait(timeout=300)
    for caller in callers:
        caller.join(timeout=300)
    got = sum((caller.got for caller in callers), Counter())
    assert set(got) <= {200, 503, "refused"}, "a connection that was accepted was answered"
    assert got[200] > 0
    psutil.wait_procs([stand_in], timeout=300)
    assert not stand_in.is_running()
    assert "Traceback" not in Path(server.log).read_text()
