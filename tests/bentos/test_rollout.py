"""The roll-out in the front: who answers, by what share, who is only scored, and the way back."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from bentos.price_predictor import metrics, shadowing
from bentos.price_predictor.front import Front
from bentos.price_predictor.recording import Recorder
from bentos.price_predictor.served import Served
from finpulse_assets.cli.rollout import rollout
from finpulse_assets.domain.serving.answering import Answering
from finpulse_assets.domain.serving.ledger import replayed
from finpulse_assets.errors import ServiceError
from finpulse_assets.gateways.serving.bundle import read_bundle, write_bundle
from finpulse_assets.gateways.serving.ledger import newest_entries, read_segment, segments
from finpulse_assets.gateways.serving.online_store import FolderStore
from finpulse_assets.gateways.serving.rollout import (
    Rollout,
    read_rollout,
    rollout_of,
    write_rollout,
)
from finpulse_assets.gateways.serving.service_environment import LedgerMode
from finpulse_assets.gateways.serving.store_layout import bentos_of, bundle_of
from finpulse_assets.settings import load_settings
from tests.bentos.front_client import Client, ask, get, refuse
from tests.bentos.server import LIMIT_SECONDS
from tests.fakes import serving as fakes

ROW = {"return_1d": 0.5, "rsi_14": None, "sentiment_mean": 1}
BLUE, GREEN = "b" * 16, "c" * 16  # the models of the two versions
MONDAY = date(2024, 7, 1)


@pytest.fixture
def bentos(tmp_path) -> Path:
    """Two versions in a store: blue, and green, which is the newest and has a newer session."""
    found = bentos_of(tmp_path)
    add(found, "blue", BLUE, fakes.online())
    newer = fakes.online().with_columns(
        session_date=pl.when(pl.col("ticker") == "AAPL").then(MONDAY).otherwise("session_date"),
        sentiment_mean=pl.lit(2.0),
    )
    add(found, "green", GREEN, newer)
    return found


def add(bentos: Path, version: str, model_id: str, online: pl.DataFrame) -> None:
    model = replace(fakes.model(), candidate_id=model_id)
    bundle = bundle_of(bentos / version)
    write_bundle(bundle, model, fakes.promotion(candidate_id=model_id), online)
    (bentos / version / "bento.yaml").write_text("name: price_predictor\n")
    (bentos / "latest").write_text(version)


def front(bentos: Path, **options) -> Front:
    found = Served()
    found.start(
        bentos / "absent", bentos, Recorder(bentos.parents[1] / "ledger", LedgerMode.ON), **options
    )
    return Front(refuse, found)


def put(front: Front, bentos: Path, rollout: Rollout) -> None:
    write_rollout(rollout_of(bentos), rollout)
    look(front)


def look(front: Front) -> None:
    served = front.served
    wanted = served._places.look()
    if wanted != served._seen:
        served._take(wanted)


def models_of(front: Front, count: int, body: object = None) -> list[str]:
    asked = body or {"symbol": "AAPL"}
    return [ask("/predict", asked, front=front).said["model_version"] for _ in range(count)]


def entries_in(bentos: Path) -> list:
    found = [it for path in segments(bentos.parents[1] / "ledger") for it in read_segment(path)]
    return sorted(found, key=lambda it: it.answer["prediction_id"])


def test_without_a_rollout_the_newest_version_answers(bentos):
    assert models_of(front(bentos), 2) == [GREEN] * 2


def test_a_switch_and_the_way_back_change_the_model_and_keep_the_newest_features(bentos):
    asked = front(bentos)
    before = ask("/predict", {"symbol": "AAPL"}, front=asked).said
    put(asked, bentos, Rollout("blue").after(Rollout()))
    after = ask("/predict", {"symbol": "AAPL"}, front=asked, query=b"features=1").said
    assert after["model_version"] == BLUE
    assert after["target_session_date"] == before["target_session_date"] == "2024-07-02"
    assert after["features_used"]["sentiment_mean"] == 2.0
    put(asked, bentos, read_rollout(rollout_of(bentos)).back())
    assert models_of(asked, 1) == [GREEN]
    put(asked, bentos, read_rollout(rollout_of(bentos)).back())
    assert models_of(asked, 1) == [BLUE], "the way back has a way back"


def test_an_answer_of_a_model_with_other_features_is_replayed_bit_for_bit(bentos):
    asked = front(bentos)
    put(asked, bentos, Rollout("blue"))
    models_of(asked, 3)
    models_of(asked, 3, {"features": ROW})
    for entry in entries_in(bentos):
        bundle = bentos.parents[1] / "ledger" / "bundles" / entry.bundle
        assert replayed(entry, Answering(read_bundle(bundle))) == entry.content


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5, 1.0])
def test_a_canary_answers_exactly_its_share(bentos, share):
    asked = front(bentos)
    put(asked, bentos, Rollout("blue", canary="green", share=share))
    got = Counter(models_of(asked, 200))
    assert got[GREEN] == pytest.approx(200 * share, abs=1)
    assert got.total() == 200
    batch = ask("/predict_batch", {"symbols": ["AAPL", "MSFT"]}, front=asked).said["answers"]
    assert len({it["model_version"] for it in batch}) == 1, "a batch has one model"
    assert metrics.CANARY_SHARE.values[()] == share
    put(asked, bentos, Rollout("blue"))
    assert models_of(asked, 20) == [BLUE] * 20
    assert metrics.CANARY_SHARE.values[()] == 0


def test_what_the_canary_refuses_the_live_version_answers(bentos, monkeypatch):
    asked = front(bentos)
    put(asked, bentos, Rollout("blue", canary="green", share=1.0))
    other = replace(fakes.model(), features=("return_1d", "rsi_14"))  # reads another row
    canary = asked.served.canary
    monkeypatch.setattr(canary, "predictor", replace(canary.predictor, model=other))
    assert models_of(asked, 3, {"features": ROW}) == [BLUE] * 3
    assert ask("/predict", {"symbol": "AAPX"}, front=asked).status == 404


def test_a_shadow_is_scored_on_every_answer_and_never_answers(bentos):
    asked = front(bentos)
    put(asked, bentos, Rollout("blue", shadow="green"))
    before = Counter(metrics.SHADOWED.values)

    async def run() -> list[Client]:
        bodies = [b'{"symbol":"AAPL"}', json.dumps({"features": ROW}).encode()] * 5
        clients = [await Client("/predict", body).ask(asked) for body in bodies]
        many = Client("/predict_batch", b'{"symbols":["AAPL","MSFT"]}')
        clients.append(await many.ask(asked))
        clients.append(await Client("/predict", b"{}").ask(asked))  # refused: nothing to score
        await asked.served.shadowing._working
        return clients

    *single, many, refused = asyncio.run(run())
    answers = [it.said for it in single] + many.said["answers"]
    assert refused.status == 400
    assert {it["model_version"] for it in answers} == {BLUE}
    entries = entries_in(bentos)
    shadows = {it.shadow_of: it for it in entries if it.shadow_of}
    assert sorted(shadows) == sorted(it["prediction_id"] for it in answers)
    for answer in answers:
        beside = shadows[answer["prediction_id"]].answer
        assert beside["model_version"] == GREEN
        assert (beside["symbol"], beside["timestamp"]) == (answer["symbol"], answer["timestamp"])
    for entry in shadows.values():
        bundle = bentos.parents[1] / "ledger" / "bundles" / entry.bundle
        assert replayed(entry, Answering(read_bundle(bundle))) == entry.content
    scored = Counter(metrics.SHADOWED.values) - before
    assert sum(scored.values()) == len(answers) == scored[("agrees",)] + scored[("differs",)]


def test_what_a_shadow_says_is_given_to_nobody(bentos):
    asked = front(bentos)
    put(asked, bentos, Rollout("blue", shadow="green"))

    async def run() -> None:
        await Client("/predict", b'{"symbol":"AAPL"}').ask(asked)
        await asked.served.shadowing._working

    asyncio.run(run())
    (answer, beside) = sorted(entries_in(bentos), key=lambda it: bool(it.shadow_of))
    history = get("/predictions/history", front=asked).said["answers"]
    assert [it["prediction_id"] for it in history] == [answer.answer["prediction_id"]]
    assert newest_entries(bentos.parents[1] / "ledger", 9) == [answer]
    assert get(f"/predictions/{beside.answer['prediction_id']}", front=asked).status == 404


def test_a_shadow_that_fails_or_is_too_slow_harms_nobody(bentos, monkeypatch, caplog):
    asked = front(bentos)
    put(asked, bentos, Rollout("blue", shadow="green"))
    monkeypatch.setattr(shadowing, "MOST_WAITING", 2)
    before = Counter(metrics.SHADOWED.values)

    def fail(*_, **__):
        raise ZeroDivisionError

    monkeypatch.setattr(asked.served.shadow, "reply", fail)

    async def run() -> list[int]:
        clients = await asyncio.gather(
            *(Client("/predict", b'{"symbol":"AAPL"}').ask(asked) for _ in range(10))
        )
        await asked.served.shadowing._working
        return [it.status for it in clients]

    assert asyncio.run(run()) == [200] * 10
    scored = Counter(metrics.SHADOWED.values) - before
    assert scored == {("failed",): 2, ("left_out",): 8}
    assert [it.shadow_of for it in entries_in(bentos)] == [""] * 10


@pytest.mark.parametrize("role", ["canary", "shadow"])
def test_a_challenger_whose_seal_is_broken_is_told_and_the_live_version_answers(
    bentos, role, caplog
):
    asked = front(bentos)
    add(bentos, "red", "d" * 16, fakes.online())
    (bentos / "latest").write_text("green")
    fakes.flip_a_byte(bundle_of(bentos / "red") / "promotion.json")
    put(asked, bentos, Rollout("blue", **{role: "red"}, share=1.0 if role == "canary" else 0.0))
    assert models_of(asked, 3) == [BLUE] * 3
    assert f"there is no {role}: " in caplog.text
    assert metrics.RELOAD_FAILED.values[()] == 1
    put(asked, bentos, Rollout("blue"))
    assert metrics.RELOAD_FAILED.values[()] == 0


def test_a_rollout_that_cannot_be_read_leaves_what_is_served(bentos, caplog):
    asked = front(bentos)
    put(asked, bentos, Rollout("blue"))
    for content in ("{", '{"live": 1}', '{"live": "green", "share": 2}'):
        rollout_of(bentos).write_text(content)
        look(asked)
        assert models_of(asked, 1) == [BLUE]
    assert caplog.text.count("the roll-out is kept as it was") == 3
    put(asked, bentos, Rollout("absent"))
    assert models_of(asked, 1) == [BLUE]
    assert "the old bundle is kept: " in caplog.text


@pytest.mark.parametrize(
    "wrong", [Rollout(share=0.1), Rollout(canary="blue"), Rollout(canary="blue", share=1.1)]
)
def test_a_share_belongs_to_a_canary_and_has_limits(tmp_path, wrong):
    with pytest.raises(ServiceError, match="the share is"):
        write_rollout(tmp_path / "rollout.json", wrong)


def test_before_the_first_change_there_is_no_way_back():
    with pytest.raises(ServiceError, match="nothing to go back to"):
        Rollout().back()


def test_a_replica_takes_its_features_from_the_store_and_keeps_them_without_it(
    bentos, tmp_path, caplog
):
    store = FolderStore(tmp_path / "shared", "live")
    asked = front(bentos, store=store)
    assert "nothing is published yet in the online store" in caplog.text
    published = fakes.online().with_columns(session_date=pl.lit(MONDAY), sentiment_mean=pl.lit(5.0))
    store.publish(published)
    look(asked)

    def read(symbol: str) -> float:
        said = ask("/predict", {"symbol": symbol}, front=asked, query=b"features=1").said
        return said["features_used"]["sentiment_mean"]

    assert [read(symbol) for symbol in published["ticker"]] == [5.0] * 3
    rows = {row["ticker"]: row for row in published.iter_rows(named=True)}
    used = ask("/predict", {"symbol": "MSFT"}, front=asked, query=b"features=1").said
    assert used["features_used"] == {name: rows["MSFT"][name] for name in fakes.NAMES}
    store._newest.unlink()
    store._newest.mkdir()  # as a disk that fails
    look(asked)
    assert metrics.STORE_FAILED.values[()] == 1
    assert read("AAPL") == 5.0
    assert "the features are kept as they were" in caplog.text
    store._newest.rmdir()
    store.publish(published.with_columns(sentiment_mean=pl.lit(6.0)))
    look(asked)
    assert (read("AAPL"), metrics.STORE_FAILED.values[()]) == (6.0, 0)


def test_a_running_service_follows_the_command_there_and_back(servers, monkeypatch):
    """The built bento of the store, by `finpulse serve` and `finpulse rollout`."""
    pytest.importorskip("bentoml", reason="the extra `service` is not installed")
    server = servers["store"]
    home = server.log.parent / ".finpulse"
    monkeypatch.chdir(server.log.parent)
    path = rollout_of(bentos_of(load_settings(home=home).bentos))
    rollout(shadow="newest", home=home)
    try:
        deadline = time.monotonic() + LIMIT_SECONDS
        while b'finpulse_shadow_total{result="agrees"}' not in server.call("/metrics")[1]:
            assert server.call("/predict", b'{"symbol":"AAPL"}')[0] == 200
            assert time.monotonic() < deadline, server.log.read_text()
    finally:
        rollout(back=True, home=home)
    assert read_rollout(path).shadow is None
    while "serving no shadow any more" not in server.log.read_text():
        assert time.monotonic() < deadline, server.log.read_text()
    found = newest_entries(load_settings(home=home).ledger, 5)
    assert found
    assert all(it.shadow_of == "" for it in found)
