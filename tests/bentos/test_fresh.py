"""A symbol with texts and prices over HTTP: answered from their rows, or told why not."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime

import polars as pl
import pytest
from jsonschema import Draft202012Validator

from bentos.price_predictor import fresh as fresh_module
from bentos.price_predictor.fresh import FreshRows
from bentos.price_predictor.front import Front
from bentos.price_predictor.scorer import Scorer
from finpulse_assets.domain.serving.ledger import replayed
from finpulse_assets.errors import LakeError, LedgerError
from finpulse_assets.gateways.serving.ledger import newest_entries
from tests.bentos.front_client import Client, KeywordScorer, ask, get, recording
from tests.fakes import serving as fakes

BODY = {"symbol": "aapl", "texts": [{"text": "acme beats"}]}
MOVED = 3.0


class Rows:
    """Gives the rows of AAPL's and MSFT's last session, the first one's mood as scored."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error, self.asked = error, []

    def rows(self, asked, scores, now: datetime) -> pl.DataFrame:
        if self.error:
            raise self.error
        self.asked.append((asked, scores))
        return rows()


def rows() -> pl.DataFrame:
    frame = fakes.daily_features().filter(pl.col("ticker").is_in(["AAPL", "MSFT"]))
    last = frame.group_by("ticker").last().sort("ticker")
    own = pl.col("ticker") == "AAPL"
    mood = pl.when(own).then(MOVED).otherwise("sentiment_mean").alias("sentiment_mean")
    return last.with_columns(mood, session_date=pl.lit(fakes.NEW), rsi_14=pl.lit(50.0))


def front(folder, error: Exception | None = None) -> Front:
    found = recording(folder)
    found.served.fresh = FreshRows(Rows(error), Scorer(KeywordScorer))
    return found


def test_a_symbol_with_texts_is_answered_from_the_rows_that_they_give(tmp_path):
    asked = front(tmp_path)
    answer = ask("/predict", BODY, front=asked, query=b"features=1").said
    predicted = fakes.model().predict(rows())
    assert (answer["probability"], answer["expected_return"]) == tuple(
        column[0] for column in predicted
    )
    assert answer["fresh_inputs"] == {"texts": 1, "prices": 0}
    assert answer["features_used"]["sentiment_mean"] == MOVED
    assert answer["expected_close"] == 200.0 * (1 + answer["expected_return"])
    ((request, scores),) = asked.served.fresh.features.asked
    assert (request.symbol, scores[0].label) == ("AAPL", "positive")
    bar = {"session_date": "2024-06-28", "open": 2, "high": 3, "low": 1, "close": 2.5,
           "volume_shares": 10}  # fmt: skip
    answer = ask("/predict", {"symbol": "AAPL", "prices": [bar]}, front=asked).said
    assert answer["expected_close"] == 2.5 * (1 + answer["expected_return"])
    assert ask("/predict", {"symbol": "AAPL"}, front=asked).said["fresh_inputs"] is None


def test_what_was_sent_is_not_kept_and_the_replay_says_so(tmp_path):
    asked = front(tmp_path)
    given = ask("/predict", BODY, front=asked).said["prediction_id"]
    assert get(f"/predictions/{given}", front=asked).said["answer"]["fresh_inputs"]["texts"] == 1
    (entry,) = newest_entries(tmp_path / "ledger", 10)
    assert b"acme" not in b"".join(it.read_bytes() for it in (tmp_path / "ledger").glob("*.jsonl"))
    with pytest.raises(LedgerError, match=r"cannot be given again: .* these are not kept"):
        replayed(entry, asked.served.answering)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (LakeError("the lake is gone"), "what was sent cannot be added to what is known"),
        (ModuleNotFoundError("duckdb"), "this service is installed without the extra `fresh`"),
    ],
)
def test_without_what_it_takes_it_is_a_503_and_symbols_are_answered(tmp_path, error, said):
    asked = front(tmp_path, error)
    client = ask("/predict", BODY, front=asked)
    assert (client.status, client.said["error"]) == (503, said)
    assert ask("/predict", {"symbol": "AAPL"}, front=asked).status == 200
    alone = ask("/predict", BODY, front=recording(tmp_path))
    assert (alone.status, "no lake" in alone.said["error"]) == (503, True)
    assert ask("/predict", BODY | {"symbol": "XX"}, front=asked).status == 404


def test_beyond_some_that_wait_the_next_is_told_to_come_again(tmp_path, monkeypatch):
    monkeypatch.setattr(fresh_module, "MAX_WAITING", 2)
    asked = front(tmp_path)

    async def many() -> list[int]:
        calls = [Client("/predict", json.dumps(BODY).encode()).ask(asked) for _ in range(5)]
        return sorted(it.status for it in await asyncio.gather(*calls))

    assert asyncio.run(many()) == [200, 200, 429, 429, 429]
    assert ask("/predict", BODY, front=asked).status == 200


def test_the_document_has_the_form_where_there_is_a_lake(tmp_path):
    for found, is_known in ((front(tmp_path), True), (recording(tmp_path), False)):
        document = get("/openapi.json", front=found).said
        shape = document["components"]["schemas"]["PredictRequest"]
        assert Draft202012Validator(document | shape).is_valid(BODY) is is_known
