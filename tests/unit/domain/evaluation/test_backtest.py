"""What signals would have earned: thirds, fills, costs, and the numbers of a whole backtest."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from finpulse_assets.domain.evaluation.backtest import summary_of, traded
from finpulse_assets.domain.evaluation.estimate import Estimate
from finpulse_assets.domain.evaluation.metrics import YEAR_SESSIONS
from finpulse_assets.domain.evaluation.promotion import Champion, Promotion
from finpulse_assets.domain.plots.backtest import months_plot, path_plot, rank_ic_path_plot
from finpulse_assets.domain.plots.tear_sheet import tear_sheet
from finpulse_assets.schemas import BACKTEST

DAY = date(2024, 7, 2)


def signals(probabilities, returns, day=DAY) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "ticker": [f"T{at}" for at in range(len(probabilities))],
            "session_date": [day] * len(probabilities),
            "probability_up": probabilities,
            "return_next_session": returns,
        },
        schema_overrides={"return_next_session": pl.Float64, "probability_up": pl.Float64},
    )


def test_the_top_third_is_bought_and_the_bottom_third_is_sold():
    says = signals([0.9, 0.8, 0.6, 0.5, 0.2, 0.1], [0.04, 0.02, 9.0, -9.0, 0.01, -0.03])
    (row,) = traded(says, cost_bps=10).to_dicts()
    assert (row["signals"], row["longs"], row["shorts"], row["unfilled"]) == (6, 2, 2, 0)
    assert row["gross"] == pytest.approx(0.03 - -0.01)
    assert row["turnover"] == 4.0, "both sides, in and out"
    assert row["net"] == pytest.approx(0.04 - 0.004)


def test_a_ticker_that_does_not_trade_is_an_order_without_a_fill():
    """The thirds are chosen before anybody knows who will trade; the other half of the longs
    stands, at its own weight."""
    says = signals([0.9, 0.8, 0.6, 0.5, 0.2, 0.1], [None, 0.02, 9.0, -9.0, 0.01, -0.03])
    (row,) = traded(says, cost_bps=10).to_dicts()
    assert (row["longs"], row["unfilled"]) == (2, 1)
    assert row["gross"] == pytest.approx(0.02 / 2 - -0.01)
    assert row["turnover"] == pytest.approx(3.0)
    assert row["rank_ic"] is not None


@pytest.mark.parametrize("probabilities", [[0.5, 0.5, 0.5, 0.5], [0.6]])
def test_a_session_without_an_order_of_the_tickers_has_no_trades(probabilities):
    (row,) = traded(signals(probabilities, [0.01] * len(probabilities)), cost_bps=10).to_dicts()
    assert (row["longs"], row["shorts"], row["gross"], row["cost"]) == (0, 0, 0.0, 0.0)
    assert row["rank_ic"] is None


def table(gross, *, proven: int | None = None, cost: float = 0.004) -> pl.DataFrame:
    """Return a backtest of so many sessions; the first `proven` had a proven champion."""
    count = len(gross)
    days = [DAY + timedelta(days=at) for at in range(count)]
    at = [datetime(it.year, it.month, it.day, 20, 15, tzinfo=UTC) for it in days]
    proven = count if proven is None else proven
    frame = pl.DataFrame(
        {
            "session_date": days, "decision_at": at,
            "exit_at": [it + timedelta(days=1) for it in at], "champion_id": "c" * 16,
            "is_proven": [it < proven for it in range(count)], "signals": 6, "longs": 2,
            "shorts": 2, "unfilled": 0, "gross": gross, "turnover": 4.0, "cost": cost,
            "is_retrained": [it == 0 for it in range(count)], "rank_ic": 0.1,
        }
    )  # fmt: skip
    return BACKTEST.enforce(
        frame.with_columns(
            net=pl.col("gross") - pl.col("cost"),
            skills=pl.when("is_proven").then(pl.lit("ranking")).otherwise(pl.lit("")),
        )
    )


def test_the_numbers_of_a_backtest():
    found = summary_of(table([0.01, -0.02, 0.03, 0.0], proven=1), cost_bps=10, resamples=100)
    assert found.sessions == 4
    assert found.gross.value == pytest.approx(YEAR_SESSIONS * 0.005)
    assert found.net.value == pytest.approx(YEAR_SESSIONS * 0.001)
    assert found.break_even_bps.value == pytest.approx(12.5)
    assert found.hit_rate.value == 0.5
    assert found.proven_share == 0.25
    assert found.net_while_proven.value == pytest.approx(YEAR_SESSIONS * 0.006 / 4)
    assert found.drawdown.value == pytest.approx(0.024), "from the sum of +0.006 to -0.018"


def test_candidates_that_were_tried_deflate_the_sharpe_ratio_of_the_tear_sheet():
    backtest = table(np.random.default_rng(1).normal(0.001, 0.01, 250))
    luck = Estimate(0.25, 0.2, 0.3)
    alone, of_many = (
        summary_of(backtest, cost_bps=10, trials=trials, overfitting=luck, resamples=100)
        for trials in (1, 50)
    )
    assert 0 < of_many.deflated_sharpe.value < alone.deflated_sharpe.value < 1
    assert of_many.deflated_net_sharpe.value < of_many.deflated_sharpe.value
    lines = dict(of_many.lines())
    assert lines["deflated Sharpe ratio, gross, 50 tried"] == f"{of_many.deflated_sharpe}"
    assert lines["probability of overfitting"] == "0.250 [0.200, 0.300]"


def test_every_number_that_could_be_luck_has_an_interval_of_blocks_of_days():
    random = np.random.default_rng(1)
    gross = random.normal(0.001, 0.01, 250)
    found = summary_of(table(gross), cost_bps=10, resamples=400)
    for name in ("drawdown", "deflated_sharpe", "deflated_net_sharpe", "break_even_bps",
                 "hit_rate"):  # fmt: skip
        it = getattr(found, name)
        assert it.lower < it.value < it.upper, name
    nothing = summary_of(table([0.0, 0.0], cost=0.0).with_columns(turnover=0.0), cost_bps=0)
    assert not nothing.break_even_bps.is_known
    assert not nothing.hit_rate.is_known


def test_the_sharpe_ratio_is_that_of_the_sessions_and_its_interval_holds_it():
    gross = np.random.default_rng(1).normal(0.001, 0.01, 250)
    found = summary_of(table(gross), cost_bps=10)
    assert found.gross_sharpe.value == pytest.approx(gross.mean() / gross.std() * 252**0.5)
    assert found.gross_sharpe.lower < found.gross_sharpe.value < found.gross_sharpe.upper
    assert found.net_sharpe.value < found.gross_sharpe.value


def test_the_first_loss_is_a_drawdown():
    assert (
        summary_of(table([-0.05, 0.01], cost=0.0), cost_bps=0, resamples=100).drawdown.value == 0.05
    )


def test_a_tear_sheet_stands_alone_and_escapes_what_it_is_given():
    rows = table(np.random.default_rng(1).normal(0.001, 0.01, 60), proven=30)
    summary = summary_of(rows, cost_bps=10, resamples=100)
    plots = {
        "path": path_plot(rows, summary),
        "months": months_plot(rows),
        "rank_ic": rank_ic_path_plot(rows),
    }
    champion = Champion("c" * 16, ("ranking",), {"ranking": 0.1})
    decision = Promotion(
        "c" * 16, True, True, ("rank IC <0.1>",), champion, datetime(2024, 7, 2, tzinfo=UTC)
    )
    page = tear_sheet(rows, summary, [decision], plots, title="Backtest", note="a <note>")
    assert page.count('src="data:image/png;base64,') == 3
    assert "http" not in page
    assert "rank IC &lt;0.1&gt;" in page
    assert "a &lt;note&gt;" in page
    assert "2024-08" in page
    for name, value in summary.lines():
        assert name in page
        assert value in page
