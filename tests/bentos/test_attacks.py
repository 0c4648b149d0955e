"""The attack set against the real service: each gets its status, the next request its answer."""

from __future__ import annotations

import json
import socket
from contextlib import suppress

import pytest

from bentos.price_predictor.front import OTHER
from bentos.price_predictor.routes import ROUTES
from tests.bentos.attacks import ATTACKS, GOOD, HOST, JSON, Attack, post
from tests.bentos.server import Server

pytest.importorskip("bentoml", reason="the extra `service` is not installed")

LIMIT_SECONDS = 300  # against a hang


def connect(server: Server) -> socket.socket:
    port = int(server.url.rpartition(":")[2])
    return socket.create_connection(("127.0.0.1", port), timeout=LIMIT_SECONDS)


def answer_to(server: Server, sent: bytes, *, leaves: bool = False) -> bytes:
    """Send bytes and return what is answered until the connection is closed."""
    with connect(server) as connection:
        with suppress(OSError):  # it may be refused before it is whole
            connection.sendall(sent)
        return b"" if leaves else rest_of(connection)


def rest_of(connection: socket.socket) -> bytes:
    answer = b""
    try:
        while part := connection.recv(65536):
            answer += part
    except ConnectionResetError:  # the answer came while bytes were still on their way
        pass
    return answer


def status_of(answer: bytes) -> int:
    return int(answer[9:12]) if answer.startswith(b"HTTP/1.1 ") else 0


def test_there_are_a_hundred_attacks_of_different_names():
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS) >= 100


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_an_attack_gets_its_status_and_the_next_request_its_answer(servers, attack: Attack):
    answer = answer_to(servers["folder"], attack.sent, leaves=attack.leaves)
    assert status_of(answer) == attack.status, answer
    if attack.status >= 400:
        head, _, content = answer.partition(b"\r\n\r\n")
        assert b"\r\ncontent-type: application/json\r\n" in head
        assert sorted(json.loads(content)) == ["error", "hint"]
        assert content.isascii()
    assert status_of(answer_to(servers["folder"], post(GOOD))) == 200


def test_what_is_slow_is_refused_and_keeps_nobody_waiting(servers):
    head = b"POST /predict HTTP/1.1\r\n" + HOST + JSON + b"Content-Length: 16\r\n\r\n"
    slow = {"half a head": head[:30], "a head alone": head, "half a body": head + GOOD[:8]}
    open_ones = []
    for sent in list(slow.values()) * 60:
        connection = connect(servers["folder"])
        connection.sendall(sent)
        open_ones.append(connection)
    with connect(servers["folder"]) as silent:
        assert status_of(answer_to(servers["folder"], post(GOOD))) == 200
        assert servers["folder"].call("/livez")[0] == 200
        assert {status_of(rest_of(connection)) for connection in open_ones} == {408}
        assert rest_of(silent) == b"", "who says nothing is hung up on"
    for connection in open_ones:
        connection.close()


def test_after_all_of_it_no_traceback_and_no_new_metric(servers):
    assert "Traceback" not in servers["folder"].log.read_text()
    metrics = servers["folder"].call("/metrics")[1].decode()
    routes = {line.split('"')[1] for line in metrics.splitlines() if "_total{route=" in line}
    assert routes <= {*(route.name for route in ROUTES.values()), OTHER}
