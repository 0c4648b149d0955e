"""Access: keys, scopes and quotas; what a log says and what it does not."""

from __future__ import annotations

import asyncio
import json
import logging
import stat

import pytest

from bentos.price_predictor import access
from bentos.price_predictor.access import Access
from bentos.price_predictor.front import Front
from bentos.price_predictor.logs import log
from bentos.price_predictor.scorer import Scorer
from finpulse_assets.cli.key import key as key_command
from finpulse_assets.errors import SettingError
from finpulse_assets.gateways.log_lines import JsonLines
from finpulse_assets.gateways.serving.service_keys import add_key, read_keys, remove_key
from finpulse_assets.settings import load_settings
from tests.bentos.front_client import JSON_TYPE, KeywordScorer, ask, get, refuse, served
from tests.fakes import serving as fakes


@pytest.fixture
def path(tmp_path):
    return tmp_path / "keys.json"


def front(path) -> Front:
    found = served()
    found.access = Access(read_keys(path))
    return Front(refuse, found)


def status(front: Front, *headers: tuple[bytes, bytes]) -> int:
    return ask("/predict", {"symbol": "AAPL"}, front=front, headers=(JSON_TYPE, *headers)).status


def bearer(secret: str) -> tuple[bytes, bytes]:
    return (b"authorization", b"Bearer " + secret.encode())


def test_without_a_key_of_the_file_nothing_is_answered(path):
    secret = add_key(path, "desk", ["predict"])
    asked = front(path)
    assert status(asked, bearer(secret)) == 200
    assert status(asked, (b"x-api-key", secret.encode())) == 200
    refused = ask("/predict", {"symbol": "AAPL"}, front=asked)
    assert (refused.status, refused.read) == (401, 0), "before the body is read"
    assert refused.answered[b"www-authenticate"] == b"Bearer"
    for wrong in (secret[:-1], secret.upper(), "", "x" * 10_000):
        assert status(asked, bearer(wrong)) == 401


def test_a_key_may_do_what_its_scopes_say(path):
    secret = add_key(path, "prometheus", ["metrics"])
    asked = front(path)
    assert status(asked, bearer(secret)) == 403
    client = get("/metrics", front=asked)
    assert client.status == 401
    for open_to_all in ("/health", "/status", "/docs", "/openapi.json"):
        assert get(open_to_all, front=asked).status == 200


def test_a_quota_is_a_minutes_worth_that_fills_with_time(path, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(access, "monotonic", lambda: now[0])
    secret = add_key(path, "desk", ["predict"], per_minute=3)
    asked = front(path)
    assert [status(asked, bearer(secret)) for _ in range(4)] == [200, 200, 200, 429]
    refused = ask("/predict", b"{}", front=asked, headers=(JSON_TYPE, bearer(secret)))
    assert refused.answered[b"retry-after"] == b"21"
    now[0] += 21
    assert [status(asked, bearer(secret)) for _ in range(2)] == [200, 429]
    asked.served.access = Access(read_keys(path), asked.served.access)
    assert status(asked, bearer(secret)) == 429, "new keys give no new quota"


@pytest.mark.parametrize(
    ("client", "expected"), [("127.0.0.1", 200), ("::1", 200), ("10.0.0.7", 401)]
)
def test_without_keys_only_this_machine_is_answered(client, expected):
    sent: list[dict] = []

    async def receive():
        return {"type": "http.request", "body": b'{"symbol":"AAPL"}', "more_body": False}

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/predict", "query_string": b"",
             "headers": [JSON_TYPE], "client": (client, 5000)}  # fmt: skip
    asyncio.run(Front(refuse, served())(scope, receive, send))
    assert sent[0]["status"] == expected


def test_a_key_is_kept_as_its_hash_alone_and_changes_are_taken(path, tmp_path):
    secret = add_key(path, "desk", ["predict"])
    assert secret not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    found = served()
    found.start(fakes.bundle(tmp_path / "bundle"), keys=path)
    asked = Front(refuse, found)
    assert status(asked, bearer(secret)) == 200
    again = add_key(path, "desk", ["predict"])
    found._look_at_keys()
    assert (status(asked, bearer(secret)), status(asked, bearer(again))) == (401, 200)
    path.write_text("no JSON")
    found._look_at_keys()
    assert status(asked, bearer(again)) == 200, "the keys stay as they were"
    path.unlink()
    remaining = found.access
    add_key(path, "other", ["read"])
    remove_key(path, "other")
    found._look_at_keys()
    assert found.access is not remaining


@pytest.mark.parametrize(
    ("name", "scopes", "per_minute", "message"),
    [
        ("a b", ["predict"], 1, "the name of a key is 'a b'"),
        ("desk", ["write"], 1, "the key desk has the scope write"),
        ("desk", [], 1, "the key desk has the scope none"),
        ("desk", ["predict"], 0, "the key desk has the quota 0"),
    ],
)
def test_a_key_that_cannot_be_used_is_refused(path, name, scopes, per_minute, message):
    with pytest.raises(SettingError, match=message):
        add_key(path, name, scopes, per_minute)
    assert not path.exists()


@pytest.mark.parametrize("content", ["{}x", "[1]", '[{"name": "a"}]', '{"a": 1}'])
def test_a_file_that_holds_no_keys_is_refused_by_name(path, content):
    path.write_text(content)
    with pytest.raises(SettingError, match=r"keys\.json"):
        read_keys(path)


def test_the_command_makes_lists_and_removes_keys(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("FINPULSE_HOME", str(tmp_path))
    key_command("desk")
    assert capsys.readouterr().out.startswith("fp_")
    key_command()
    assert capsys.readouterr().out == "desk: predict, read, 6000 a minute\n"
    key_command("desk", remove=True)
    assert read_keys(load_settings().service_keys) == []
    with pytest.raises(SettingError, match="there is no key desk"):
        key_command("desk", remove=True)


ORIGIN = (b"origin", b"http://evil.example")


def test_a_page_of_another_origin_may_read_nothing_and_send_nothing():
    """CORS is closed: a browser is never told that it may, and what it asks before is refused."""
    asked = Front(refuse, served())
    before = (ORIGIN, (b"access-control-request-method", b"POST"),
              (b"access-control-request-headers", b"content-type"))  # fmt: skip
    for path, method in (("/predict", "OPTIONS"), ("/model", "OPTIONS"), ("/outcomes", "OPTIONS")):
        assert ask(path, method=method, headers=before, front=asked).status == 405
    # What a page may send without asking before has another content type.
    plain = ask("/predict", {"symbol": "AAPL"}, headers=(ORIGIN, (b"content-type", b"text/plain")))
    assert plain.status == 415
    answered = [
        ask("/predict", {"symbol": "AAPL"}, headers=(JSON_TYPE, ORIGIN), front=asked),
        ask("/model", method="GET", headers=(ORIGIN,), announced=False, front=asked),
        plain,
    ]
    for client in answered:
        assert not [name for name in client.answered if name.startswith(b"access-control")]


def test_what_is_sent_stands_in_no_log_whatever_fails(monkeypatch, caplog):
    monkeypatch.setattr(log, "propagate", True)
    found = served()
    found.scorer = Scorer(lambda: KeywordScorer(OSError("refused")))
    secret = "mercury-rises-tomorrow"
    bodies = {
        "/sentiment": {"texts": [secret]},
        "/predict": {"symbol": "AAPL", "texts": [{"text": secret}]},
        "/predict_batch": {"symbols": [secret]},
        "/outcomes": {"outcomes": [{"prediction_id": secret, "return_next_session": 0.1}]},
        f"/{secret}": {},
    }
    with caplog.at_level(logging.DEBUG, logger=log.name):
        statuses = [ask(path, body, front=Front(refuse, found)).status
                    for path, body in bodies.items()]  # fmt: skip
    assert statuses == [503, 503, 404, 404, 404]
    lines = [JsonLines().format(record) for record in caplog.records]
    assert len(lines) > 5
    assert not [line for line in lines if secret in line]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [(b"abc-1.2_3", True), (b"x" * 65, False), (b"a b", False), (b"a\nb", False), (b"", False)],
)
def test_a_request_has_an_id_which_may_be_the_callers_own(sent, kept):
    client = get("/health", front=Front(refuse, served()), query=b"")
    assert len(client.answered[b"x-request-id"]) == 16
    own = ask("/predict", b"{}", headers=(JSON_TYPE, (b"x-request-id", sent)))
    assert (own.answered[b"x-request-id"] == sent) == kept


def test_the_log_is_json_with_the_request_and_without_key_and_body(path, monkeypatch, caplog):
    secret = add_key(path, "desk", ["predict"])
    asked = front(path)
    monkeypatch.setattr(log, "propagate", True)
    with caplog.at_level(logging.DEBUG, logger=log.name):
        ask("/predict", {"symbol": "AAPL"}, front=asked, headers=(JSON_TYPE, bearer(secret)))
    line = JsonLines().format(caplog.records[-1])
    said = json.loads(line)
    assert {n: said[n] for n in ("message", "route", "status", "key")} == {
        "message": "answered", "route": "/predict", "status": 200, "key": "desk",
    }  # fmt: skip
    assert secret not in line
    assert "AAPL" not in line
