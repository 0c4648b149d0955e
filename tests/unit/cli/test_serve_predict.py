"""`finpulse serve` and `finpulse predict`, without a server."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from finpulse_assets.cli import predict, serve
from finpulse_assets.domain.features.online import ONLINE_FEATURES
from finpulse_assets.domain.serving.answer import Answer
from finpulse_assets.errors import LakeError, ModelError, RequestError, ServiceError
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.models.model_store import ModelStore
from finpulse_assets.gateways.serving.bento_store import Bento, BentoStore
from finpulse_assets.gateways.serving.service_environment import HOME_HEADER
from finpulse_assets.settings import load_settings
from tests.fakes import serving as fakes
from tests.fakes.ports import free_port


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.setenv("FINPULSE_HOME", str(tmp_path))
    monkeypatch.setenv("FINPULSE_AS_OF", fakes.NOW.isoformat())
    monkeypatch.setattr(predict, "PORT", free_port())
    return load_settings()


@pytest.fixture
def promoted(settings):
    models = ModelStore(settings.models / "price")
    models.save(fakes.model())
    models.decide(lambda before: fakes.promotion())
    return settings


@pytest.fixture
def published(promoted):
    Lake(promoted.lake).replace(ONLINE_FEATURES, fakes.online(), ["all"])
    return promoted


def test_without_a_service_the_model_itself_answers_and_says_so(published, capsys):
    predict.predict("aapl", as_json=True)
    out, err = capsys.readouterr()
    said = Answer.model_validate_json(out)
    expected = fakes.answering().answer(b'{"symbol": "AAPL"}', now=fakes.NOW)
    assert said.model_dump(exclude={"latency_ms"}) == expected.model_dump(exclude={"latency_ms"})
    assert "asking the model itself, no service runs" in err


def test_the_printed_answer_names_the_reason_to_abstain(published, capsys):
    predict.predict("MSFT")
    out = capsys.readouterr().out
    assert "MSFT" in out
    assert "(abstain: target_session_opened)" in out
    assert "as of 2024-06-27 20:15 UTC, 1 session behind, model" in out


def test_features_that_are_all_old_are_stale_by_the_clock(published, monkeypatch, capsys):
    monkeypatch.delenv("FINPULSE_AS_OF")
    predict.predict("AAPL", as_json=True)
    said = Answer.model_validate_json(capsys.readouterr().out)
    assert said.abstain_reasons[:2] == ["target_session_opened", "features_stale"]
    assert said.sessions_behind > 200


def test_an_unknown_symbol_is_a_sentence(published):
    with pytest.raises(RequestError, match=r"'AAPX' is unknown.*nearest are AAPL"):
        predict.predict("AAPX")


def test_before_the_first_run_each_missing_thing_is_named(settings):
    with pytest.raises(ModelError, match="no model was promoted yet"):
        predict.predict("AAPL")


def test_before_the_first_features_the_asset_is_named(promoted):
    with pytest.raises(LakeError, match="serving/online_features has no partition yet"):
        predict.predict("AAPL")


def test_a_named_service_that_does_not_run_is_no_silent_fallback(published):
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(ServiceError, match=f"no service listens on {url}"):
        predict.predict("AAPL", url=url)


def test_a_url_without_a_scheme_is_refused():
    with pytest.raises(ServiceError, match="should begin with http"):
        predict.ask_service("file:///etc/hostname", b"{}")


@pytest.mark.parametrize(
    ("status", "body", "kind", "message"),
    [
        (400, {"error": "rsi_14 is nan", "hint": "send null"}, RequestError, "rsi_14 is nan. Hint"),
        (
            503,
            {"error": "not sealed", "hint": "rebuild"},
            ServiceError,
            "not sealed. Hint: rebuild",
        ),
        (404, "Not Found", ServiceError, "does not answer as the prediction service does"),
        (500, {"error": 1}, ServiceError, "does not answer as the prediction service does"),
    ],
)
def test_a_refusal_is_told_in_the_services_own_words(status, body, kind, message):
    error = predict._refusal("http://127.0.0.1:1", status, json.dumps(body).encode())
    assert type(error) is kind
    assert message in str(error)


@contextmanager
def listening(header: str | None, *, status: int = 200) -> Iterator[int]:
    """Serve /status as the service does, with the header of a home; yield the port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            if header:
                self.send_header(HOME_HEADER, header)
            self.end_headers()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.mark.parametrize(
    ("header", "reason"), [("other", "serves another home"), (None, "does not say which home")]
)
def test_a_service_of_another_home_is_not_asked(published, monkeypatch, capsys, header, reason):
    with listening(header) as port:
        monkeypatch.setattr(predict, "PORT", port)
        predict.predict("AAPL", as_json=True)
    out, err = capsys.readouterr()
    assert Answer.model_validate_json(out).symbol == "AAPL"
    assert f"asking the model itself, http://127.0.0.1:{port} {reason}" in " ".join(err.split())


@pytest.mark.parametrize("status", [200, 503])
def test_the_service_of_this_home_is_asked(published, status):
    with listening(published.home_id, status=status) as port:
        url = f"http://127.0.0.1:{port}"
        assert predict.why_not_asked(url, published.home_id) is None


def test_the_id_of_a_home_does_not_tell_its_path(settings, tmp_path):
    other = settings.model_copy(update={"home": tmp_path / "other"})
    assert settings.home_id != other.home_id
    assert len(settings.home_id) == 16


@pytest.fixture
def bento(settings, monkeypatch, tmp_path):
    found = Bento("price_predictor:abc", tmp_path / "bento")
    fakes.bundle(found.bundle)
    monkeypatch.setattr(BentoStore, "newest", lambda store: found)
    return found


def test_serve_becomes_bentoml_on_loopback_with_telemetry_off(bento, settings, monkeypatch, capsys):
    started = []
    monkeypatch.setattr(os, "execve", lambda *arguments: started.append(arguments))
    monkeypatch.setenv("FINPULSE_SERVICE_HOME", "another bundle")
    port = free_port()
    serve.serve(port=port, host=serve.LOOPBACK)
    ((program, command, environment),) = started
    assert program == sys.executable
    expected = ["bentoml", "serve", bento.tag, "--host", "127.0.0.1", "--port", str(port)]
    assert command[-7:] == expected
    assert environment["BENTOML_HOME"] == str(settings.bentos)
    assert environment["BENTOML_DO_NOT_TRACK"] == "True"
    assert "FINPULSE_SERVICE_HOME" not in environment
    assert environment["FINPULSE_SERVED_HOME"] == settings.home_id
    followed = settings.bentos / "bentos" / "price_predictor"
    assert environment["FINPULSE_FOLLOWED_BENTOS"] == str(followed.resolve())
    said = capsys.readouterr().err
    assert "(proven), 3 symbols; ask with: finpulse predict AAPL" in said
    assert "its newest features are of 2024-06-28, 249 sessions behind: it abstains" in said


def test_serve_refuses_a_bento_whose_seal_is_broken(bento, monkeypatch):
    monkeypatch.setattr(os, "execve", lambda *_: pytest.fail("it was started"))
    fakes.flip_a_byte(bento.bundle / "online_features.parquet")
    with pytest.raises(ModelError, match=r"online_features\.parquet has the sha256"):
        serve.serve(port=free_port(), host=serve.LOOPBACK)


def test_serve_refuses_a_port_in_use(bento, monkeypatch):
    monkeypatch.setattr(os, "execve", lambda *_: pytest.fail("it was started"))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ServiceError, match=f"127.0.0.1:{port} cannot be listened on"):
            serve.serve(port=port, host=serve.LOOPBACK)


def test_serve_before_the_first_build_says_how_to_build(settings):
    with pytest.raises(ServiceError, match=r"no bento price_predictor .*serving/price_bento"):
        serve.serve(port=free_port(), host=serve.LOOPBACK)
