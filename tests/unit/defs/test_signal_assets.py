"""Signals, outcomes and the proof on a small home, day by day."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from finpulse_assets.defs.monitoring.assets import live_quality
from finpulse_assets.defs.signals.assets import daily_signals
from finpulse_assets.defs.signals.outcomes import outcomes
from finpulse_assets.domain.monitoring.retraining import retraining_after
from finpulse_assets.domain.predictions.signals import current_signals
from finpulse_assets.schemas import DAILY_SIGNALS, LIVE_QUALITY, OUTCOMES
from tests.unit.defs.model_home import (
    CHAIN,
    DAYS,
    TICKERS,
    ModelHome,
    after,
    labelled,
    metadata,
    sentence,
)

DAILY = [outcomes, live_quality, daily_signals]
FIRST = 100  # the session after whose close the champion was promoted


@pytest.fixture(scope="module")
def promoted(tmp_path_factory) -> ModelHome:
    """A home whose champion was proven and has predicted once."""
    home = ModelHome(tmp_path_factory.mktemp("promoted"), after(DAYS[FIRST]))
    home.fill(labelled(FIRST + 1))
    assert home.run(*CHAIN, *DAILY).success
    assert home.models.promotion().champion.is_proven
    return home


@pytest.fixture
def home(promoted, tmp_path) -> ModelHome:
    return promoted.copied(tmp_path)


def history(home: ModelHome) -> pl.DataFrame:
    return home.lake.scan(DAILY_SIGNALS).collect()


def live_on(home: ModelHome, number: int, market: pl.DataFrame) -> None:
    """Let the daily job run after a session's close."""
    home.as_of = after(DAYS[number])
    home.fill(market.filter(pl.col("session_date") <= DAYS[number]))
    assert home.run(*DAILY).success


def turned(market: pl.DataFrame, first: date) -> pl.DataFrame:
    """Return a market in which texts mean the opposite from a day on."""
    is_after = pl.col("session_date") >= first
    moved = pl.when(is_after).then(-pl.col("return_next_session")).otherwise("return_next_session")
    return market.with_columns(return_next_session=moved).with_columns(
        is_up=pl.col("return_next_session") > 0
    )


def test_without_a_champion_nothing_is_predicted_and_the_quality_says_so(tmp_path):
    home = ModelHome(tmp_path, after(DAYS[FIRST]))
    home.fill(labelled(FIRST + 1))
    result = home.run(*DAILY)
    assert "no model was promoted yet" in sentence(result)
    assert metadata(result, live_quality)["champion"] == "none"


def test_rows_whose_month_is_not_among_the_keys_of_the_run_are_kept(home):
    """Defect: they were dropped in silence, and still counted as signals."""
    market, last = labelled(150), DAYS.index(date(2024, 7, 31))
    home.as_of = after(DAYS[last])
    home.fill(market.filter(pl.col("session_date") <= DAYS[last]))
    result = home.run(daily_signals, months=("2024-08-01", "2024-08-01"))
    assert result.success
    shown = metadata(result, daily_signals)
    assert (shown["signals"], shown["signals_added"]) == (TICKERS, TICKERS)
    held = home.lake.scan(DAILY_SIGNALS, ["2024-07-01"]).collect()
    assert held.filter(session_date=DAYS[last]).height == TICKERS
    assert history(home).height == 2 * TICKERS, "and what was published before stands"


def test_a_retraining_in_the_evening_adds_to_what_was_published(home):
    afternoon = history(home)
    home.as_of = after(DAYS[FIRST], hours=4)
    home.fill(labelled(FIRST + 1, effect=2.9))
    assert home.run(*CHAIN, daily_signals).success
    both = history(home)
    assert both.filter(predicted_at=after(DAYS[FIRST])).equals(afternoon)
    assert both["predicted_at"].unique().sort().to_list() == [after(DAYS[FIRST]), home.as_of]
    assert current_signals(both)["predicted_at"].unique().to_list() == [home.as_of]


def test_a_retraining_after_a_failed_day_adds_nothing_late_and_says_what_is_missing(home):
    """The prices of a session are missing, as after a failed run on a Friday."""
    friday = history(home)
    home.as_of = after(DAYS[FIRST + 1], hours=20)
    home.fill(labelled(FIRST + 1, effect=2.9))
    result = home.run(*CHAIN, daily_signals)
    assert result.success
    assert history(home).equals(friday), "live signals of the session before stand"
    (check,) = [it for it in result.get_asset_check_evaluations() if "session" in it.check_name]
    assert not check.passed
    assert check.description == (
        f"the newest signals are of {DAYS[FIRST]}, the last completed session is {DAYS[FIRST + 1]}"
    )


def test_signals_mature_when_their_session_has_closed(home):
    assert home.lake.read_or_empty(OUTCOMES).collect().is_empty()
    live_on(home, FIRST + 1, labelled(FIRST + 2))
    matured = home.lake.scan(OUTCOMES).collect()
    assert matured["session_date"].unique().to_list() == [DAYS[FIRST]]
    assert matured.height == TICKERS
    quality = home.lake.scan(LIVE_QUALITY).collect()
    assert quality["session_count"].unique().to_list() == [1]


def test_a_champion_loses_its_proof_when_the_market_turns_and_keeps_it_when_it_does_not(home):
    """Defect: the proof was a ratchet; nobody ever scored the champion on what it predicted."""
    good, turn = DAYS[FIRST + 1 : FIRST + 22], FIRST + 22
    market = labelled(FIRST + 60)
    home.publish(market, good)
    live_on(home, turn, market)
    assert home.models.promotion().champion.is_proven, "it goes on as it was proven"

    changed, last = turned(market, DAYS[turn]), turn + 36
    home.publish(changed, DAYS[turn + 1 : last])
    live_on(home, last, changed)
    decision = home.models.promotion()
    assert decision.is_proof_lost
    assert "matured predictions of the 40 sessions up to" in decision.reasons[0]
    newest = current_signals(history(home)).filter(session_date=DAYS[last])
    assert newest.height == TICKERS
    assert not newest["is_proven"].any(), "the signals of the same run say so"
    assert retraining_after(decision).is_due
    live_on(home, last + 1, changed)
    assert home.models.promotion() == decision, "it is lost once"


def test_scores_of_another_sentiment_model_make_the_signals_unproven(home):
    home.as_of = after(DAYS[FIRST + 1])
    home.fill(labelled(FIRST + 2), scored_by="s2")
    assert home.run(*DAILY).success
    decision = home.models.promotion()
    assert decision.reasons == (
        "the proof is lost: the champion reads scores of the sentiment model s1, the scores are "
        "now of s2",
    )
    newest = current_signals(history(home)).filter(session_date=DAYS[FIRST + 1])
    assert not newest["is_proven"].any()
