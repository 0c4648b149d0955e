"""The replay of the schedule: what each session knew, when models change, when a proof is lost."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from finpulse_assets.domain.evaluation.promotion import Promotion
from finpulse_assets.errors import EvaluationError
from finpulse_assets.orchestration.training.backtest import Backtest, replay, span_of
from finpulse_assets.settings import Settings
from tests.unit.defs.model_home import TICKERS, labelled

SESSIONS = 110
NEEDED = 40 + 1 + 20  # to train first, the embargo, to judge a model on


@pytest.fixture(scope="module")
def settings() -> Settings:
    return Settings(folds=2, min_train_sessions=40, resamples=200, model_threads=1)


@pytest.fixture(scope="module")
def rows() -> pl.DataFrame:
    """A market that texts move; the last session has no outcome yet."""
    frame = labelled(SESSIONS)
    is_open = pl.col("session_date") == frame["session_date"].max()
    unknown = ("exit_at", "return_next_session", "is_up")
    return frame.with_columns(pl.when(~is_open).then(pl.col(it)).alias(it) for it in unknown)


def replayed(rows, settings, **days) -> Backtest:
    span = span_of(rows, settings, **days)
    return replay(rows, span, settings, sentiment_fingerprint="s1")


@pytest.fixture(scope="module")
def found(rows, settings) -> Backtest:
    return replayed(rows, settings)


def days_of(rows: pl.DataFrame) -> list[date]:
    return rows["session_date"].unique().sort().to_list()


def test_it_begins_when_a_first_model_can_be_judged_and_ends_with_the_last_outcome(rows, found):
    days = days_of(rows)
    assert found.table["session_date"].to_list() == days[NEEDED:-1]
    assert (found.table["signals"] == TICKERS).all()


def test_models_are_made_on_the_first_session_of_each_month(found):
    retrained = found.table.filter("is_retrained")["session_date"]
    months = found.table["session_date"].dt.truncate("1mo").n_unique()
    assert len(retrained) == months == len(found.decisions)
    assert retrained.dt.month().n_unique() == months
    assert found.table["champion_id"].n_unique() == months, "each month has more rows to train on"


def test_the_planted_effect_of_the_texts_is_found_and_earned(found):
    assert found.table["is_proven"].all()
    assert {"ranking", "text"} <= set(found.table["skills"][0].split(", "))
    assert found.table["rank_ic"].mean() > 0.5
    assert found.table["gross"].mean() > 0.01


def test_what_comes_after_a_session_changes_nothing_of_it(rows, settings, found):
    """The same to the bit, with other outcomes after the middle of the replay."""
    middle = found.table["session_date"][len(found.table) // 2]
    is_later = pl.col("session_date") > middle
    other = rows.with_columns(
        pl.when(is_later).then(-pl.col(it)).otherwise(pl.col(it)).alias(it)
        for it in ("return_next_session", "sentiment_mean")
    ).with_columns(is_up=pl.col("return_next_session") > 0)
    last = days_of(rows)[NEEDED + 30]
    again = replayed(other, settings, last=last).table
    before = pl.col("session_date") <= middle
    assert again.filter(before).equals(found.table.filter(before)), "a shorter replay, too"
    assert not again.equals(found.table.head(again.height))


def test_a_proof_is_lost_within_a_period_where_the_live_record_contradicts_it(rows, settings):
    """From the second month on the texts mean the opposite; nobody waits for a retraining."""
    quarterly = settings.model_copy(update={"backtest_retraining": "quarter"})
    span = span_of(rows, quarterly)
    turned = pl.col("session_date") >= span.first
    other = rows.with_columns(
        pl.when(turned).then(-pl.col("sentiment_mean")).otherwise("sentiment_mean")
        .alias("sentiment_mean")
    )  # fmt: skip
    decided: list[tuple[date, Promotion]] = []
    found = replay(
        other, span, quarterly, sentiment_fingerprint="s1",
        on_decision=lambda *it: decided.append(it),
    )  # fmt: skip
    first, lost = decided[0][1], next(it for it in decided if it[1].is_proof_lost)
    assert first.is_proven
    assert "the matured predictions" in lost[1].reasons[0]
    at = found.table.filter(session_date=lost[0])
    assert not at["is_retrained"][0]
    assert (at["skills"][0], at["is_proven"][0]) == ("", False)
    # 20 outcomes are the least that contradicts; that of a session comes with the next close.
    assert found.table["is_proven"].to_list().index(False) == 20
    assert found.table["rank_ic"].head(20).mean() < 0


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"first": date(2024, 1, 5)}, "--from is 2024-01-05, a backtest of this home can be from"),
        ({"last": date(2026, 1, 5)}, "--to is 2026-01-05, a backtest of this home can be from"),
        ({"first": date(2024, 5, 20), "last": date(2024, 5, 10)}, "no session lies between"),
    ],
)
def test_days_beyond_the_data_are_refused_before_anything_is_fitted(rows, settings, given, said):
    with pytest.raises(EvaluationError, match=said):
        span_of(rows, settings, **given)


def test_too_short_a_history_is_refused(rows, settings):
    with pytest.raises(EvaluationError, match="30 sessions have an outcome, a backtest needs more"):
        span_of(rows.filter(pl.col("session_date").is_in(days_of(rows)[:30])), settings)
