"""Requests and answers: what may be asked, what is said, and each refusal's sentence."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from finpulse_assets.domain.calendar import build_sessions
from finpulse_assets.domain.features.online import ONLINE_FEATURES, feature_view, latest_features
from finpulse_assets.domain.features.registry import feature_names
from finpulse_assets.domain.predictions.signals import signals_of
from finpulse_assets.domain.serving.answering import Answering
from finpulse_assets.domain.serving.predictor import Predictor, UnknownSymbolError
from finpulse_assets.domain.serving.request import MAX_BODY_BYTES, parse_request, shown
from finpulse_assets.errors import EvaluationError, ModelError, RequestError
from finpulse_assets.gateways.serving.bundle import SEALED, predictor_of, read_bundle, write_bundle
from tests.fakes import serving as fakes
from tests.fakes.parity import AS_SIGNAL, as_signal

ROW = {"return_1d": 0.5, "rsi_14": None, "sentiment_mean": 1}


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return fakes.predictor()


def ask(predictor: Predictor, *, now: datetime = fakes.NOW, **request: object):
    return Answering(predictor).answer(json.dumps(request).encode(), now=now)


def test_a_symbol_is_answered_with_what_the_model_says(predictor):
    answer = ask(predictor, symbol="AAPL")
    row = predictor.online.filter(pl.col("ticker") == "AAPL")
    (probability,), (expected_return,) = predictor.model.predict(row)
    assert (answer.probability, answer.expected_return) == (probability, expected_return)
    assert answer.prediction == ("up" if probability >= 0.5 else "down")
    assert answer.confidence == abs(probability - 0.5) * 2
    assert answer.as_of == datetime(2024, 6, 28, 20, 15, tzinfo=UTC)
    assert answer.model_version == predictor.model.candidate_id
    assert list(answer.features_used) == list(fakes.NAMES)
    assert (answer.abstain, answer.abstain_reasons) == (False, [])
    assert answer.latency_ms > 0


@pytest.mark.parametrize(
    ("symbol", "is_proven", "reasons"),
    [
        ("AAPL", True, []),
        ("AAPL", False, ["no_proven_skill"]),
        ("MSFT", True, ["target_session_opened"]),
        ("MSFT", False, ["target_session_opened", "no_proven_skill"]),
        ("GONE", True, ["delisted", "target_session_opened"]),
    ],
)
def test_an_answer_abstains_for_every_reason_that_holds(symbol, is_proven, reasons):
    answer = ask(fakes.predictor(is_proven=is_proven), symbol=symbol)
    assert (answer.abstain, answer.abstain_reasons) == (bool(reasons), reasons)
    assert 0 < answer.probability < 1
    assert answer.as_of is not None


class Contrary:
    """The model with the other sign of its expected return, as two boosters may give it."""

    def __init__(self, model) -> None:
        self._model = model

    def row_predictor(self, peers):
        predict = self._model.row_predictor(peers)

        def contrary(matrix):
            probability, expected_return = predict(matrix)
            return probability, -expected_return

        return contrary

    def __getattr__(self, name):
        return getattr(self._model, name)


def test_an_answer_that_contradicts_itself_abstains(predictor):
    answer = ask(replace(predictor, model=Contrary(predictor.model)), symbol="AAPL")
    assert (answer.prediction == "up") != (answer.expected_return >= 0)
    assert (answer.abstain, answer.abstain_reasons) == (True, ["contradiction"])
    unproven = replace(predictor, model=Contrary(predictor.model), skills=())
    found = ask(unproven, features=answer.features_used).abstain_reasons
    assert found == ["no_proven_skill", "contradiction"]


def test_a_symbol_has_an_expected_close_and_the_proven_skills(predictor):
    answer = ask(predictor, symbol="AAPL")
    assert answer.skills == ["ranking"]
    assert answer.signal_strength == predictor.rows["AAPL"]["signal_strength"]
    assert answer.expected_close == 200.0 * (1 + answer.expected_return)
    assert (answer.expected_return_interval, answer.expected_close_interval) == (None, None)
    gone = ask(predictor, symbol="GONE")
    assert (gone.expected_close, gone.expected_close_interval) == (None, None)
    row = ask(fakes.predictor(is_proven=False), features=ROW)
    assert (row.skills, row.expected_close, row.signal_strength) == ([], None, None)


@pytest.mark.parametrize(("spread", "abstain_reason"), [(1.0, None), (0.01, "dissimilar")])
def test_an_answer_is_the_row_of_daily_signals(spread, abstain_reason):
    """One model, one session: numbers, intervals, reasons and abstentions to the bit."""
    model, features = fakes.calibrated_model(spread), fakes.daily_features()
    decision = fakes.promotion()
    predictor = predictor_of(model, decision, fakes.online())
    signals = signals_of(
        model, features, build_sessions(date(2024, 1, 2), date(2024, 7, 10)),
        session_date=fakes.NEW, predicted_at=fakes.NOW, skills=decision.champion.skills,
        model_version=model.candidate_id,
    )  # fmt: skip
    (signal,) = signals.iter_rows(named=True)
    answer = ask(predictor, symbol="AAPL")
    assert as_signal(answer, close=200.0) == {name: signal[name] for name in AS_SIGNAL}
    assert signal["abstain_reason"] == abstain_reason
    assert signal["return_lower"] < signal["expected_return"] < signal["return_upper"]
    row = ask(predictor, features=answer.features_used)
    assert row.expected_return_interval == answer.expected_return_interval
    assert row.abstain_reasons == answer.abstain_reasons


@pytest.mark.parametrize(
    ("now", "behind"),
    [
        (datetime(2024, 6, 28, 20, 15, tzinfo=UTC), 0),  # decided
        (datetime(2024, 7, 1, 13, 29, 59, tzinfo=UTC), 0),  # Monday: the predicted session is next
        (datetime(2024, 7, 1, 13, 30, tzinfo=UTC), 1),  # it opens
        (datetime(2024, 7, 4, 18, 0, tzinfo=UTC), 3),  # the fourth of July is no session
        (datetime(2024, 7, 5, 13, 30, tzinfo=UTC), 4),
        (datetime(2034, 7, 5, 13, 30, tzinfo=UTC), 249),  # counted up to a year
    ],
)
def test_features_become_stale_while_the_predictor_lives(predictor, now, behind):
    answer = ask(predictor, symbol="AAPL", now=now)
    expected = ["target_session_opened", "features_stale"][: min(behind, 2)]
    expected += ["model_expired"] if now >= datetime(2024, 7, 5, 13, 30, tzinfo=UTC) else []
    assert (answer.sessions_behind, answer.abstain_reasons) == (behind, expected)
    assert answer.abstain == (behind > 0)
    assert answer.target_session_date == date(2024, 7, 1)
    status = predictor.judge(now)
    assert (status.sessions_behind, status.is_stale) == (behind, behind > 0)


def test_a_model_without_newer_labels_for_half_a_year_has_expired(predictor):
    # 2024-01-02 was the year's first session; 2024-07-03 is the 127th.
    fresh, expired = (datetime(2024, 7, day, 13, 30, tzinfo=UTC) for day in (2, 5))
    assert predictor.judge(fresh).sessions_since_training == 125
    said = ask(predictor, features=ROW, now=fresh)
    assert (said.abstain, said.model_expires_at) == (False, expired)
    assert predictor.judge(fresh).model_expires_at == expired
    assert predictor.judge(expired).sessions_since_training == 127
    assert ask(predictor, features=ROW, now=expired).abstain_reasons == ["model_expired"]
    unproven = fakes.predictor(is_proven=False)
    said = ask(unproven, features=ROW, now=expired)
    assert said.abstain_reasons == ["model_expired", "no_proven_skill"]


def test_the_status_says_how_old_features_and_model_are(predictor):
    status = predictor.judge(fakes.NOW)
    assert status.features_as_of == datetime(2024, 6, 28, 20, 15, tzinfo=UTC)
    assert status.features_age_seconds == 15 * 60
    assert (status.trained_to, status.sessions_since_training) == (date(2024, 1, 2), 123)
    assert (status.symbol_count, status.stale_symbol_count) == (3, 1), "MSFT; GONE is delisted"
    assert not status.is_stale
    assert not status.is_expired


@pytest.mark.parametrize("symbol", ["AAPL", "MSFT", "GONE"])
def test_the_features_used_sent_back_give_the_same_numbers(predictor, symbol):
    by_symbol = ask(predictor, symbol=symbol)
    by_row = ask(predictor, features=by_symbol.features_used)
    same = ("probability", "expected_return", "prediction", "confidence", "features_used")
    assert [getattr(by_row, n) for n in same] == [getattr(by_symbol, n) for n in same]
    assert (by_row.symbol, by_row.as_of, by_row.abstain) == (None, None, False)


def test_an_unproven_model_abstains_on_a_row_too():
    said = ask(fakes.predictor(is_proven=False), features=ROW)
    assert said.abstain_reasons == ["no_proven_skill"]


@pytest.mark.parametrize(
    ("asked", "found"), [("aapl", "AAPL"), (" AAPL\n", "AAPL"), ("brk.b", "BRK-B")]
)
def test_a_symbol_is_read_in_the_form_of_the_lake(asked, found):
    assert parse_request(json.dumps({"symbol": asked}).encode(), ()).symbol == found


@pytest.mark.parametrize(
    ("symbol", "message"),
    [
        ("APPL", "'APPL' is unknown, 3 symbols have features. Hint: the nearest are AAPL"),
        ("#", "'#' is unknown, 3 symbols have features. Hint: the nearest are AAPL, GONE, MSFT"),
        ("x" * 500, "'X{38}... is unknown"),
        ("\ud800", r"'\\ud800' is unknown"),
    ],
)
def test_an_unknown_symbol_names_the_nearest(predictor, symbol, message):
    with pytest.raises(UnknownSymbolError, match=message):
        ask(predictor, symbol=symbol)


BAD = [
    ("", "the request is not JSON: Expecting value"),
    ("{", "the request is not JSON"),
    (b"\xff\xfe\xff", "the request is not JSON: UnicodeDecodeError"),
    ("[" * 60_000, "the request is not JSON: RecursionError"),
    ("[]", r"the request is \[\], it should be an object"),
    ("{}", "the request has neither symbol nor features, it should have exactly one"),
    ('{"symbol": "A", "features": {}}', "the request has both symbol and features"),
    ('{"symbol": "A", "sym": 1}', "the request has the unknown field 'sym'"),
    ('{"symbol": "A", "symbol": "B"}', "the request names 'symbol' twice"),
    ('{"symbol": 7}', "the symbol is 7, it should be a text"),
    ('{"symbol": " "}', "the symbol is ' ', it should be a text"),
    ('{"symbol": null}', "the symbol is None, it should be a text"),
    ('{"features": [1, 2]}', r"features is \[1, 2\], it should be an object"),
    ('{"features": {"a":' + "1" * 70_000 + "}}", f"bytes, the limit is {MAX_BODY_BYTES}"),
    ('{"features": {}}', "the features lack 3 of the model's 3: return_1d, rsi_14, sentiment_mean"),
]


@pytest.mark.parametrize(("body", "message"), BAD)
def test_a_bad_request_is_refused_in_one_sentence(predictor, body, message):
    with pytest.raises(RequestError, match=message) as caught:
        content = body if isinstance(body, bytes) else body.encode()
        Answering(predictor).answer(content, now=fakes.NOW)
    assert len(str(caught.value)) < 300
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("literal", "value"),
    [
        ("NaN", "nan"),
        ("Infinity", "inf"),
        ("-1e999", "-inf"),
        ('"50"', "'50'"),
        ("true", "True"),
        ("[1]", r"\[1\]"),
        ("1" + "0" * 400, r"1000000000.*\.\.\."),
    ],
)
def test_a_feature_that_is_no_finite_number_is_named(predictor, literal, value):
    body = json.dumps({"features": ROW}).replace("null", literal).encode()
    message = f"the feature rsi_14 is {value}, it should be a finite number. Hint: send null"
    with pytest.raises(RequestError, match=message):
        Answering(predictor).answer(body, now=fakes.NOW)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rsi_15": 1}, "does not know the feature 'rsi_15'. Hint: do you mean rsi_14"),
        ({"zzz": 1}, "does not know the feature 'zzz'. Hint: leave it out; it knows 3"),
    ],
)
def test_an_extra_feature_is_named(predictor, change, message):
    with pytest.raises(RequestError, match=message):
        ask(predictor, features={**ROW, **change})


@given(body=st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode()))
def test_no_bytes_make_anything_but_an_answer_or_a_refusal(body):
    with pytest.raises(RequestError):
        fakes.answering().answer(body, now=fakes.NOW)


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(row=st.fixed_dictionaries(dict.fromkeys(fakes.NAMES, json_values)))
def test_a_row_is_answered_exactly_when_every_value_is_a_finite_number_or_null(row):
    def is_fine(value):
        if value is None:
            return True
        return type(value) in (int, float) and abs(value) < 1e300

    predictor = fakes.predictor()
    if all(is_fine(value) for value in row.values()):
        assert 0 <= ask(predictor, features=row).probability <= 1
    elif not any(type(v) in (int, float) and 1e300 <= abs(v) < float("inf") for v in row.values()):
        with pytest.raises(RequestError, match="it should be a finite number"):
            ask(predictor, features=row)


@pytest.mark.parametrize("value", ["ü" * 60, "\x00" * 60, [["deep"] * 30], {"a": "b" * 100}])
def test_what_is_repeated_is_short_and_ascii(value):
    assert len(shown(value)) <= 42
    assert shown(value).isascii()


def test_online_features_keep_the_newest_row_and_mark_the_delisted():
    frame = fakes.online()
    assert ONLINE_FEATURES.enforce(frame).equals(frame)
    marks = frame.select("ticker", "session_date", "delisted_date").rows()
    assert marks == [
        ("AAPL", fakes.NEW, None),
        ("GONE", fakes.OLD, fakes.OLD),
        ("MSFT", fakes.OLD, None),
    ]
    assert set(frame["feature_view"]) == {feature_view(feature_names())}
    assert frame["rsi_14"].to_list() == [None, None, None], "JSON has neither NaN nor infinity"


def test_a_delisting_that_lies_ahead_is_not_known_and_a_new_listing_ends_an_old_one():
    ahead = fakes.tickers().with_columns(valid_to=pl.lit(date(2024, 7, 5)))
    assert (
        latest_features(fakes.daily_features(), ahead, fakes.closes())["delisted_date"].null_count()
        == 3
    )
    again = pl.concat(
        [fakes.tickers(), fakes.tickers().with_columns(valid_from=fakes.NEW, valid_to=None)],
        how="vertical_relaxed",
    )
    assert (
        latest_features(fakes.daily_features(), again, fakes.closes())["delisted_date"].null_count()
        == 3
    )


def test_a_new_row_of_a_ticker_counts_from_the_day_on_which_it_holds():
    """GONE changes its sector while listed, and is listed again on a day that lies ahead."""
    before = fakes.OLD - timedelta(days=30)
    changed = pl.concat(
        [
            fakes.tickers().with_columns(valid_to=pl.lit(before - timedelta(days=1))),
            fakes.tickers().with_columns(valid_from=pl.lit(before), sector=pl.lit("Energy")),
            fakes.tickers().with_columns(
                valid_from=pl.lit(fakes.NEW + timedelta(days=9)), valid_to=pl.lit(None, pl.Date)
            ),
        ]
    )
    found = latest_features(fakes.daily_features(), changed, fakes.closes())
    assert found.select("ticker", "delisted_date").rows() == [
        ("AAPL", None), ("GONE", fakes.OLD), ("MSFT", None),
    ]  # fmt: skip


def test_no_features_are_no_table():
    with pytest.raises(EvaluationError, match="fct_daily_features has 0 rows"):
        latest_features(fakes.daily_features().clear(), fakes.tickers(), fakes.closes())


def test_a_bundle_comes_back_and_equal_content_is_equal_bytes(tmp_path):
    for name in ("one", "two"):
        fakes.bundle(tmp_path / name)
    files = [path for path in (tmp_path / "one").rglob("*") if path.is_file()]
    assert len(files) == 9
    for path in files:
        other = tmp_path / "two" / path.relative_to(tmp_path / "one")
        assert path.read_bytes() == other.read_bytes(), path.name
    read, made = read_bundle(tmp_path / "one"), fakes.predictor()
    assert (read.model, read.model_version, read.is_proven) == (
        made.model,
        made.model_version,
        True,
    )
    assert read.online.equals(made.online)


@pytest.mark.parametrize("name", [*SEALED, "model/model.json", "model/probability_up.lightgbm.txt"])
def test_a_flipped_byte_is_refused_by_name(tmp_path, name):
    fakes.bundle(tmp_path)
    fakes.flip_a_byte(tmp_path / name)
    with pytest.raises(ModelError, match=f"{name} has the sha256 .*, its manifest says"):
        read_bundle(tmp_path)


@pytest.mark.parametrize("name", [*SEALED, "manifest.json", "model/model.json"])
def test_a_missing_file_is_refused_by_name(tmp_path, name):
    fakes.bundle(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(ModelError, match=f"{name} cannot be read: No such file"):
        read_bundle(tmp_path)


def test_a_bundle_keeps_the_openings_that_staleness_is_counted_in(tmp_path):
    fakes.bundle(tmp_path)
    openings = read_bundle(tmp_path).openings.frame
    assert openings["session_date"][0] == date(2024, 1, 2), "the model's last label"
    assert openings["session_date"][-1] == date(2025, 6, 27), "a year after the newest features"
    assert openings["open_at"][0] == datetime(2024, 1, 2, 14, 30, tzinfo=UTC)


def test_features_without_rows_are_refused():
    with pytest.raises(ModelError, match="the online features have 0 rows"):
        predictor_of(fakes.model(), fakes.promotion(), fakes.online().clear())


def test_parts_that_do_not_belong_together_are_refused(tmp_path):
    with pytest.raises(ModelError, match="names the champion 0000000000000000, the model is"):
        write_bundle(
            tmp_path, fakes.model(), fakes.promotion(candidate_id="0" * 16), fakes.online()
        )
    assert not list(tmp_path.iterdir())
    with pytest.raises(ModelError, match="lack 1 of the champion's 3 features: rsi_14"):
        predictor_of(fakes.model(), fakes.promotion(), fakes.online().drop("rsi_14"))
