"""What signals would have earned: the top third bought, the bottom third sold short.

Fills at the next open, out at its close, equal weights, a cost for each trade. A return is a
fraction of what one side holds. Returns are added up, not compounded: every session puts in the
same sum.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from finpulse_assets.domain.evaluation.bootstrap import counts_of, draw_sessions, interval
from finpulse_assets.domain.evaluation.estimate import Estimate
from finpulse_assets.domain.evaluation.metrics import YEAR_SESSIONS, ratio_of
from finpulse_assets.domain.evaluation.overfitting import deflated_draws, deflated_sharpe
from finpulse_assets.domain.evaluation.portfolio import drawdown, drawdowns

LEVEL = 0.95
NAN = float("nan")
UNKNOWN = Estimate(NAN, NAN, NAN)


def traded(signals: pl.DataFrame, *, cost_bps: float) -> pl.DataFrame:
    """Return what the signals of each session would have earned, a row a session.

    The thirds are chosen among all signals, as they are on the day: a ticker that then does not
    trade is an order without a fill, which earns and costs nothing.

    Args:
        signals: ticker, session_date, probability_up, and return_next_session (Float64, fraction,
            null where the ticker did not trade in the next session).
        cost_bps: what a trade costs, in basis points of its size.

    Returns:
        session_date, signals, longs, shorts, unfilled (Int32), gross, turnover, cost, net (Float64,
        fractions of one side) and rank_ic (Float64, null where undefined), sorted by session_date.
        A session of which no third differs from the other has no trades and earns 0.

    >>> from datetime import date
    >>> day = [date(2024, 7, 2)] * 3
    >>> says = pl.DataFrame({"ticker": ["A", "B", "C"], "session_date": day,
    ...     "probability_up": [0.6, 0.5, 0.4], "return_next_session": [0.02, 0.0, 0.01]})
    >>> traded(says, cost_bps=10).select(pl.col("gross", "turnover", "net").round(6)).rows()
    [(0.01, 4.0, 0.006)]
    """
    session = "session_date"
    strength = pl.col("probability_up").round(9)  # as the rank of a signal
    came = pl.col("return_next_session")
    place = (strength.rank("average") - 0.5) / pl.len()
    placed = signals.with_columns(place=place.over(session))
    is_long, is_short = pl.col("place") > 2 / 3, pl.col("place") < 1 / 3
    both = is_long.any() & is_short.any()
    sides = placed.group_by(session).agg(
        pl.len().alias("signals"),
        pl.when(both).then(is_long.sum()).otherwise(0).alias("longs"),
        pl.when(both).then(is_short.sum()).otherwise(0).alias("shorts"),
        *(came.filter(side).sum().alias(f"{name}_sum")
          for name, side in (("long", is_long), ("short", is_short))),
        *(came.filter(side).count().alias(f"{name}_filled")
          for name, side in (("long", is_long), ("short", is_short))),
        pl.corr(strength.filter(came.is_not_null()).rank(), came.drop_nulls().rank())
        .fill_nan(None).alias("rank_ic"),
    )  # fmt: skip
    has_trades = pl.col("longs") > 0

    def share(name: str, side: str) -> pl.Expr:
        return pl.when(has_trades).then(pl.col(name) / pl.col(side)).otherwise(0.0)

    filled = pl.col("long_filled") + pl.col("short_filled")
    return (
        sides.with_columns(
            unfilled=pl.when(has_trades)
            .then(pl.col("longs") + pl.col("shorts") - filled)
            .otherwise(0),
            gross=share("long_sum", "longs") - share("short_sum", "shorts"),
            turnover=2 * (share("long_filled", "longs") + share("short_filled", "shorts")),
        )
        .with_columns(cost=pl.col("turnover") * cost_bps / 1e4)
        .with_columns(net=pl.col("gross") - pl.col("cost"))
        .select(
            session,
            *(pl.col(name).cast(pl.Int32) for name in ("signals", "longs", "shorts", "unfilled")),
            "gross", "turnover", "cost", "net", "rank_ic",
        )
        .sort(session)
    )  # fmt: skip


@dataclass(frozen=True)
class BacktestSummary:
    """A backtest in numbers; returns and the drawdown are fractions of one side.

    Attributes:
        sessions: replayed.
        gross: a year, before costs.
        net: a year, after costs.
        gross_sharpe: Sharpe ratio a year before costs.
        net_sharpe: the same after costs.
        trials: how many candidates were tried.
        deflated_sharpe: probability that the true Sharpe ratio before costs is above that of the
            best of so many tries by luck; NaN where nothing can be told.
        deflated_net_sharpe: the same after costs.
        overfitting: probability that the best predictor of one half of the time is in the lower
            half in the other, of the last evaluation; NaN where there was none.
        drawdown: the deepest fall of the sum of net returns below its highest point before.
        break_even_bps: cost of a trade at which nothing is left; NaN without trades.
        hit_rate: share of the sessions with trades that gained before costs.
        proven_share: share of the sessions whose champion had a proven skill.
        net_while_proven: a year, after costs, were only these sessions traded.
        cost_bps: what a trade was taken to cost.
    """

    sessions: int
    gross: Estimate
    net: Estimate
    gross_sharpe: Estimate
    net_sharpe: Estimate
    trials: int
    deflated_sharpe: Estimate
    deflated_net_sharpe: Estimate
    overfitting: Estimate
    drawdown: Estimate
    break_even_bps: Estimate
    hit_rate: Estimate
    proven_share: float
    net_while_proven: Estimate
    cost_bps: float

    def lines(self) -> list[tuple[str, str]]:
        """Return (name, value as text) of each number, for people."""
        return [
            ("sessions", f"{self.sessions:,}"),
            ("gross a year", f"{self.gross}"),
            (f"net a year, {self.cost_bps:g} bps a trade", f"{self.net}"),
            ("net a year, proven sessions alone", f"{self.net_while_proven}"),
            ("Sharpe ratio, gross", f"{self.gross_sharpe}"),
            ("Sharpe ratio, net", f"{self.net_sharpe}"),
            (f"deflated Sharpe ratio, gross, {self.trials} tried", f"{self.deflated_sharpe}"),
            (f"deflated Sharpe ratio, net, {self.trials} tried", f"{self.deflated_net_sharpe}"),
            ("probability of overfitting", f"{self.overfitting}"),
            ("drawdown, net", f"{self.drawdown}"),
            ("break-even, bps a trade", f"{self.break_even_bps}"),
            ("share of sessions that gained, gross", f"{self.hit_rate}"),
            ("sessions with a proven champion", f"{self.proven_share:.1%}"),
        ]


def summary_of(
    table: pl.DataFrame,
    *,
    cost_bps: float,
    trials: int = 1,
    overfitting: Estimate = UNKNOWN,
    resamples: int = 1_000,
    seed: int = 7,
) -> BacktestSummary:
    """Return a backtest in numbers, with day-block bootstrap intervals of 95 %.

    Args:
        table: schemas.BACKTEST, at least one row.
        cost_bps: what a trade was taken to cost, in basis points of its size.
        trials: how many candidates were tried, 1 or more.
        overfitting: probability of it, of the last evaluation; unknown where there was none.
        resamples: bootstrap resamples of blocks of sessions.
        seed: of the resampling.
    """
    drawn = draw_sessions(table.height, resamples=resamples, seed=seed)
    counts = counts_of(drawn, table.height).astype(np.float64)
    gross, net, is_proven = table["gross"], table["net"], table["is_proven"]
    turnover = table["turnover"]
    gained = (gross > 0) & (turnover > 0)
    return BacktestSummary(
        sessions=table.height,
        gross=_a_year(gross, counts),
        net=_a_year(net, counts),
        gross_sharpe=_sharpe(gross, counts),
        net_sharpe=_sharpe(net, counts),
        trials=trials,
        deflated_sharpe=_deflated(gross, counts, trials),
        deflated_net_sharpe=_deflated(net, counts, trials),
        overfitting=overfitting,
        drawdown=_estimate(drawdown(net.to_numpy()), drawdowns(net.to_numpy()[drawn])),
        break_even_bps=_share(1e4 * gross, turnover, counts),
        hit_rate=_share(gained, turnover > 0, counts),
        proven_share=float(is_proven.mean()),
        net_while_proven=_a_year(net * is_proven.cast(pl.Float64), counts),
        cost_bps=cost_bps,
    )


def _a_year(values: pl.Series, counts: np.ndarray) -> Estimate:
    draws = counts @ values.to_numpy() / len(values)
    return _estimate(YEAR_SESSIONS * values.mean(), YEAR_SESSIONS * draws)


def _sharpe(values: pl.Series, counts: np.ndarray) -> Estimate:
    sharpe = ratio_of("it", YEAR_SESSIONS)
    each = values.to_numpy()
    columns = {"it": each, "it_squares": each**2, "it_sessions": np.ones(len(each))}
    whole = {name: np.array(it.sum()) for name, it in columns.items()}
    return _estimate(
        float(sharpe(whole)), sharpe({name: counts @ it for name, it in columns.items()})
    )


def _share(parts: pl.Series, of: pl.Series, counts: np.ndarray) -> Estimate:
    """Return the sum of one over the sum of the other, NaN where that is 0."""
    sums = np.stack([parts.cast(pl.Float64).to_numpy(), of.cast(pl.Float64).to_numpy()], axis=1)
    (above, below) = np.vstack([sums.sum(axis=0), counts @ sums]).T
    found = np.divide(above, below, out=np.full(len(below), NAN), where=below > 0)
    return _estimate(float(found[0]), found[1:])


def _deflated(values: pl.Series, counts: np.ndarray, trials: int) -> Estimate:
    each = values.to_numpy()
    return _estimate(
        deflated_sharpe(each, trials=trials), deflated_draws(each, counts, trials=trials)
    )


def _estimate(value: float, draws: np.ndarray) -> Estimate:
    lower, upper = interval(draws, level=LEVEL)
    return Estimate(value, NAN if lower is None else lower, NAN if upper is None else upper)
