"""The pages that ask the service, against the service's own front, in process."""

from __future__ import annotations

import polars as pl
import pytest

from apps.dashboard import service as service_module
from apps.dashboard.tables.story import changed_features
from finpulse_assets.client import Answer, Client, Retries
from tests.fakes import serving as fakes

pytest.importorskip("bentoml", reason="the extra `service` is not installed")

from bentos.price_predictor.fresh import FreshRows
from bentos.price_predictor.front import Front
from bentos.price_predictor.recording import Recorder
from bentos.price_predictor.scorer import Scorer
from bentos.price_predictor.served import Served
from finpulse_assets.gateways.serving.bundle import write_bundle
from finpulse_assets.gateways.serving.service_environment import LedgerMode
from tests.bentos.front_client import InProcess, KeywordScorer, refuse
from tests.bentos.test_fresh import MOVED, rows

TICKER = "T000"  # of the published snapshot
TEXT = "acme beats estimates"


class Rows:
    """Gives the rows of the ticker's newest session, moved by what was sent."""

    def rows(self, *_: object) -> pl.DataFrame:
        return renamed(rows())


def renamed(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.col("ticker").replace("AAPL", TICKER))


@pytest.fixture
def front(tmp_path, monkeypatch) -> Front:
    """The front of a service with a ledger, a scorer and rows of what is sent."""
    online = renamed(fakes.online())
    write_bundle(tmp_path / "bundle", fakes.model(), fakes.promotion(), online, fakes.texts())
    served = Served()
    served.start(tmp_path / "bundle", recorder=Recorder(tmp_path / "ledger", LedgerMode.ON))
    served.scorer = Scorer(KeywordScorer)
    served.fresh = FreshRows(Rows(), served.scorer)
    found = Front(refuse, served)
    monkeypatch.setattr(service_module, "service", lambda: client_of(found))
    return found


def told(page, text: str = TEXT):
    at = page("story")
    at.text_area[0].set_value(text)
    at.button[0].click().run()
    assert not at.exception
    return at


def client_of(front: Front) -> Client:
    return Client("http://service", transport=InProcess(front), retries=Retries(attempts=1))


def test_the_story_shows_what_a_text_changes(page, front):
    at = told(page)
    with client_of(front) as client:
        after, before = client.history()  # the page's two questions, the newest first
    assert (before.fresh_inputs, after.fresh_inputs.texts) == (None, 1)
    (figure,) = (it.proto.alt for it in at.get("plotly_chart"))
    by = 100 * (after.probability - before.probability)
    assert f"moves P(up) of {TICKER} by {by:+.1f} points" in figure
    (score,) = client_of(front).sentiment([TEXT])
    shown = [it.value.replace("\\", "") for it in at.markdown]
    assert f"##### {score.score:+.2f}" in shown
    changed = at.dataframe[1].value
    assert list(changed["feature"]) == ["sentiment_mean", "rsi_14"]
    assert changed.set_index("feature").loc["sentiment_mean", "with_text"] == MOVED
    assert at.caption[-1].value.startswith("The model abstains")


def test_the_story_says_that_no_service_runs(page):
    said = told(page).info[0].value
    assert "gave no answer" in said
    assert "finpulse serve" in said


def test_the_story_says_what_the_service_has_not(page, front):
    front.served.fresh = None
    assert "no lake to add texts and prices to" in told(page).info[0].value
    front.served.fresh = FreshRows(Rows(), Scorer(lambda: KeywordScorer(OSError("refused"))))
    assert "the sentiment scorer does not answer" in told(page).info[0].value


def test_the_story_names_a_symbol_that_the_service_does_not_know(page, front):
    front.served.current = fakes.answering()
    said = told(page).info[0].value.replace("\\", "")
    assert said.startswith(f"the symbol '{TICKER}' is unknown, 3 symbols have features")


def test_predictions_ask_the_running_service(page, front):
    with client_of(front) as client:
        given = client.predict(TICKER)
    at = page("predictions")
    at.button[0].click().run()
    assert not at.exception
    assert list(at.dataframe[-1].value["symbol"]) == [TICKER]
    assert list(at.dataframe[-1].value["probability"]) == [given.probability]


def test_predictions_say_that_no_service_runs(page):
    at = page("predictions")
    at.button[0].click().run()
    assert "gave no answer" in at.info[-1].value


def test_a_story_names_the_features_that_changed():
    def answer(used: object) -> Answer:
        return Answer.model_construct(features_used=used)

    before = answer({"a": 1.0, "b": None, "c": 2.0})
    after = answer({"a": 1.5, "b": 3.0, "c": 2.0})
    assert changed_features(before, after).rows() == [("a", 1.0, 1.5, 0.5), ("b", None, 3.0, None)]
    assert changed_features(answer(9), after).is_empty()
