"""Recording: each answer is in the ledger before it is sent, and is found and given again."""

from __future__ import annotations

import asyncio
import json
import os

import pytest

from bentos.price_predictor import metrics, outcomes, predictions
from finpulse_assets.domain.serving.answering import Answering
from finpulse_assets.domain.serving.ledger import replayed
from finpulse_assets.gateways.serving.bundle import read_bundle
from finpulse_assets.gateways.serving.ledger import newest_entries
from finpulse_assets.gateways.serving.service_environment import LedgerMode
from tests.bentos.front_client import Client, ask, get, recording
from tests.fakes import serving as fakes

ROW = {"return_1d": 0.5, "rsi_14": None, "sentiment_mean": 1}


@pytest.mark.parametrize("mode", [LedgerMode.ON, LedgerMode.REQUIRED, LedgerMode.DURABLE])
def test_an_answer_is_found_by_its_id_with_what_it_was_made_from(tmp_path, mode):
    asked = recording(tmp_path, mode)
    answer = ask("/predict", {"features": ROW}, front=asked)
    found = get(f"/predictions/{answer.said['prediction_id']}", front=asked)
    assert found.said["answer"] == answer.said
    assert found.said["made_from"]["features"] == list(ROW.values())
    (kept,) = (tmp_path / "ledger" / "bundles").iterdir()
    assert found.said["made_from"]["bundle"] == kept.name


def test_the_history_gives_the_newest_first_of_one_symbol_or_all(tmp_path):
    asked = recording(tmp_path)
    sent = [
        ask("/predict", {"symbol": symbol}, front=asked).said for symbol in ("AAPL", "MSFT", "AAPL")
    ]
    ask("/predict_batch", {"symbols": ["GONE"]}, front=asked)
    found = get("/predictions/history", front=asked).said["answers"]
    assert [it["symbol"] for it in found] == ["GONE", "AAPL", "MSFT", "AAPL"]
    own = get("/predictions/history", front=asked, query=b"symbol=AAPL&limit=1").said["answers"]
    assert own == [sent[2]]


def test_what_is_no_id_or_is_unknown_is_told(tmp_path):
    asked = recording(tmp_path)
    assert get("/predictions/..%2f", front=asked).status == 400
    answer = ask("/predict", {"symbol": "AAPL"}, front=asked).said["prediction_id"]
    assert get(f"/predictions/{answer[:-6]}ffffff", front=asked).status == 404
    assert get("/predictions/history", front=asked, query=b"limit=0").status == 400
    assert get(f"/predictions/{answer}").status == 404, "a service without a ledger"


@pytest.mark.parametrize(
    ("mode", "status"),
    [(LedgerMode.ON, 200), (LedgerMode.REQUIRED, 503), (LedgerMode.DURABLE, 503)],
)
def test_a_full_disk_stops_answers_or_not_by_setting_and_leaves_no_half_line(
    tmp_path, monkeypatch, mode, status
):
    asked = recording(tmp_path, mode)
    first = ask("/predict", {"symbol": "AAPL"}, front=asked)
    (segment,) = (tmp_path / "ledger").glob("*.jsonl")
    before, real = segment.read_bytes(), os.write
    refused = metrics.UNRECORDED.values[()]
    with monkeypatch.context() as full:
        full.setattr(os, "write", lambda file, content: real(file, content[:100]))
        assert ask("/predict", {"symbol": "AAPL"}, front=asked).status == status
    assert segment.read_bytes() == before
    assert metrics.UNRECORDED.values[()] == refused + 1
    after = ask("/predict", {"symbol": "MSFT"}, front=asked)
    found = newest_entries(tmp_path / "ledger", 10)
    assert [it.answer for it in found] == [after.said, first.said], "the chain goes on"


def test_requests_that_wait_share_an_fsync(tmp_path, monkeypatch):
    asked = recording(tmp_path, LedgerMode.DURABLE)
    forced = []
    monkeypatch.setattr(os, "fsync", forced.append)

    async def many() -> list[Client]:
        calls = [Client("/predict", b'{"symbol":"AAPL"}').ask(asked) for _ in range(50)]
        return await asyncio.gather(*calls)

    assert {it.status for it in asyncio.run(many())} == {200}
    assert 1 <= len(forced) <= 3, "one that had begun, and one for all who came meanwhile"
    assert len(newest_entries(tmp_path / "ledger", 100)) == 50


def test_an_fsync_that_fails_gives_no_answer(tmp_path, monkeypatch):
    asked = recording(tmp_path, LedgerMode.DURABLE)

    def fail(_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    assert ask("/predict", {"symbol": "AAPL"}, front=asked).status == 503


def test_a_thousand_predictions_are_replayed_bit_for_bit_by_another_process_state(tmp_path):
    asked = recording(tmp_path)
    for number in range(250):
        row = ROW | {"return_1d": number / 7, "rsi_14": None if number % 3 else 1 / (number + 1)}
        ask("/predict", {"features": row}, front=asked, query=b"reasons=1" if number % 2 else b"")
        ask("/predict", {"symbol": "AAPL"}, front=asked)
    columns = {"columns": list(ROW), "rows": [[at / 3, None, -at] for at in range(250)]}
    ask("/predict_batch", columns, front=asked)
    ask("/predict_batch", {"symbols": ["MSFT"] * 250}, front=recording(tmp_path))
    entries = newest_entries(tmp_path / "ledger", 2000)
    assert len(entries) == 1000
    (bundle,) = (tmp_path / "ledger" / "bundles").iterdir()
    again = Answering(read_bundle(bundle))
    assert [replayed(it, again) for it in entries] == [it.content for it in entries]
    assert json.loads(entries[0].content)["symbol"] == "MSFT"


def report(prediction_id: str, value: float = 0.01) -> dict:
    return {"outcomes": [{"prediction_id": prediction_id, "return_next_session": value}]}


def test_what_came_of_a_prediction_is_reported_and_stands_beside_it(tmp_path):
    asked = recording(tmp_path)
    given = ask("/predict", {"symbol": "AAPL"}, front=asked).said["prediction_id"]
    other = ask("/predict", {"features": ROW}, front=asked).said["prediction_id"]
    assert get(f"/predictions/{given}", front=asked).said["outcome"] is None
    for value in (0.01, -0.02):
        assert ask("/outcomes", report(given, value), front=asked).said == {"recorded": 1}
    found = get(f"/predictions/{given}", front=asked).said["outcome"]
    assert (found["return_next_session"], found["reported_by"]) == (-0.02, "")
    assert get(f"/predictions/{other}", front=asked).said["outcome"] is None
    assert len(newest_entries(tmp_path / "ledger", 10)) == 2, "an outcome is no answer"


def test_an_outcome_of_nothing_or_too_early_is_refused_whole(tmp_path, monkeypatch):
    asked = recording(tmp_path)
    monkeypatch.setattr(predictions, "system_now", lambda: fakes.NOW)
    given = ask("/predict", {"symbol": "AAPL"}, front=asked).said["prediction_id"]
    unknown = f"{given[:-6]}ffffff"
    both = {"outcomes": report(given)["outcomes"] + report(unknown)["outcomes"]}
    assert ask("/outcomes", both, front=asked).status == 404
    assert get(f"/predictions/{given}", front=asked).said["outcome"] is None
    monkeypatch.setattr(outcomes, "system_now", lambda: fakes.NOW)
    early = ask("/outcomes", report(given), front=asked)
    assert (early.status, "2024-07-01, has not opened yet" in early.said["error"]) == (400, True)
    for wrong in ({}, {"outcomes": []}, report("x"), report(given, 11), report(given) | {"x": 1}):
        assert ask("/outcomes", wrong, front=asked).status == 400
    assert ask("/outcomes", report(given)).status == 404, "a service without a ledger"


def test_the_newest_texts_are_listed_of_one_symbol_or_all(tmp_path):
    asked = recording(tmp_path)
    texts = get("/news/recent", front=asked).said["texts"]
    assert [(it["symbol"], it["kind"]) for it in texts] == [
        ("AAPL", "headline"), ("MSFT", "headline"), ("AAPL", "tweet"),
    ]  # fmt: skip
    own = get("/news/recent", front=asked, query=b"symbol=aapl&limit=1").said["texts"]
    assert [(it["symbol"], it["score"]) for it in own] == [("AAPL", 0.8)]
    assert get("/news/recent", front=asked, query=b"symbol=XX").status == 404
    assert get("/news/recent", front=asked, query=b"limit=0").status == 400
