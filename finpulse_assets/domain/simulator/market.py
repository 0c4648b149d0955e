"""The simulated market: the walk and the texts of a window of sessions, as polars frames.

Putting the parts together, and the truth about what was planted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from finpulse_assets.domain.simulator.companies import Company, company
from finpulse_assets.domain.simulator.corrections import corrections_of
from finpulse_assets.domain.simulator.days import Day, days_since_epoch
from finpulse_assets.domain.simulator.plan import MarketPlan, Regime
from finpulse_assets.domain.simulator.texts import Row, Scene, headlines_of, tweets_of
from finpulse_assets.domain.simulator.walk import PriceWalk, Step
from finpulse_assets.domain.simulator.wording import labelled_texts
from finpulse_assets.schemas import CORPORATE_ACTIONS, OHLC, TICKERS, UTC

SOURCE = "simulator"
_TEXT_SCHEMA = {
    "text_id": pl.String,
    "ticker": pl.String,
    "event_time": pl.Int64,
    "knowledge_time": pl.Int64,
    "text": pl.String,
    "author": pl.String,
    "is_retweet": pl.Boolean,
    "retweet_count": pl.Int64,
    "like_count": pl.Int64,
}


@dataclass(frozen=True)
class SimulatedMarket:
    """What a source would deliver, and the truth behind it.

    Attributes:
        tweets, headlines: text_id, ticker, event_time, knowledge_time, text, author, is_retweet,
            retweet_count, like_count, source; one row per text, ticker and knowledge time.
        prices: unadjusted daily bars, USD in whole cents, known at the close; no bar in a halt.
        corrections: a few of these bars once more, corrected, known some sessions later.
        corporate_actions: splits and dividends, known at the open of the ex-date.
        tickers: `schemas.TICKERS` of every company listed in the window.
        labelled_texts: text, label (negative, neutral, positive); apart from the market.
        truth: ticker, session_date, opinion (standard normal), planted_return (what the effects add
            to the next session's log return, open to close, if the ticker trades then), idio_sigma
            (the company's own intraday deviation, as a log return) and is_halted; one row per
            listed ticker and session.
    """

    tweets: pl.DataFrame
    headlines: pl.DataFrame
    prices: pl.DataFrame
    corrections: pl.DataFrame
    corporate_actions: pl.DataFrame
    tickers: pl.DataFrame
    labelled_texts: pl.DataFrame
    truth: pl.DataFrame

    @property
    def price_versions(self) -> pl.DataFrame:
        """Every version of every bar, as a source delivers them."""
        return pl.concat([self.prices, self.corrections])


def simulate(
    plan: MarketPlan, sessions: pl.DataFrame, regime: Regime | None = None
) -> SimulatedMarket:
    """Simulate the last `plan.session_count` sessions of a market that began on 2018-01-02.

    What happens in a session depends on the plan and on earlier sessions alone: simulated to a
    later end, the same market has the same past, to the byte.

    Args:
        plan: size, seed and planted effect.
        sessions: `schemas.SESSIONS` from 2018-01-02 or earlier up to the last one wanted.
        regime: what changes from one session on; None for one market throughout.

    Raises:
        SourceError: the sessions begin after 2018-01-02, or are fewer than the plan asks for.
        SchemaError: the frame is no `schemas.SESSIONS`.
    """
    days = days_since_epoch(sessions, needed=plan.session_count)
    walk = PriceWalk(plan, regime)
    first = len(days) - plan.session_count
    steps = [walk.step(day.number) for day in days][first:]
    window = days[first:]
    seen = {int(o) for step in steps for o in step.ordinal[step.is_listed]}
    companies = {ordinal: company(plan.seed, ordinal) for ordinal in sorted(seen)}
    tweets: list[Row] = []
    headlines: list[Row] = []
    for day, step in zip(window, steps, strict=True):
        scene = _scene(day, step, companies)
        tweets += tweets_of(plan, scene)
        headlines += headlines_of(plan, scene)
    listed = _listed_frame(window, steps, companies)
    prices = _price_frame(listed)
    return SimulatedMarket(
        tweets=_text_frame(tweets),
        headlines=_text_frame(headlines),
        prices=prices,
        corrections=corrections_of(plan.seed, prices, days),
        corporate_actions=_action_frame(listed),
        tickers=_ticker_frame(walk, days, companies),
        labelled_texts=labelled_texts(plan.seed),
        truth=listed.select(
            "ticker", "session_date", "opinion", "planted_return", "idio_sigma",
            is_halted=~pl.col("is_trading"),
        ),
    )  # fmt: skip


def _scene(day: Day, step: Step, companies: dict[int, Company]) -> Scene:
    seated = [
        companies[int(ordinal)] if is_listed else None
        for ordinal, is_listed in zip(step.ordinal, step.is_listed, strict=True)
    ]
    return Scene(day, seated, step.opinion)


def _listed_frame(
    days: Sequence[Day], steps: Sequence[Step], companies: dict[int, Company]
) -> pl.DataFrame:
    """Return one row per listed ticker and session with every value of its step."""
    slot_count = len(steps[0].ordinal)
    columns = {name: np.concatenate([getattr(s, name) for s in steps]) for name in vars(steps[0])}
    tickers = {ordinal: who.ticker for ordinal, who in companies.items()}
    of_day = {
        "session_date": [day.session_date for day in days],
        "open_at": [day.open_us for day in days],
        "close_at": [day.close_us for day in days],
    }
    calendar = pl.DataFrame(of_day).select(pl.all().repeat_by(slot_count).explode())
    return (
        pl.concat([calendar, pl.DataFrame(columns)], how="horizontal")
        .filter("is_listed")
        .with_columns(
            pl.col("open_at", "close_at").cast(UTC),
            ticker=pl.col("ordinal").replace_strict(tickers, return_dtype=pl.String),
        )
        .sort("ticker", "session_date")
    )


def _price_frame(listed: pl.DataFrame) -> pl.DataFrame:
    return listed.filter("is_trading").select(
        "ticker",
        "session_date",
        pl.col("close_at").alias("event_time"),
        pl.col("close_at").alias("knowledge_time"),
        *OHLC,
        "volume_shares",
        price_basis=pl.lit("unadjusted"),
        source=pl.lit(SOURCE),
    )


def _action_frame(listed: pl.DataFrame) -> pl.DataFrame:
    def rows(kind: str, value: str, happened: pl.Expr) -> pl.DataFrame:
        return listed.filter("is_trading").filter(happened).select(
            "ticker",
            ex_date="session_date",
            kind=pl.lit(kind),
            value=value,
            event_time="open_at",
            knowledge_time="open_at",
            source=pl.lit(SOURCE),
        )  # fmt: skip

    splits = rows("split", "split_ratio", pl.col("split_ratio") != 1)
    dividends = rows("dividend", "dividend", pl.col("dividend") > 0)
    return CORPORATE_ACTIONS.enforce(pl.concat([splits, dividends]))


def _ticker_frame(
    walk: PriceWalk, days: Sequence[Day], companies: dict[int, Company]
) -> pl.DataFrame:
    """Return the companies of the window; a delisting still to come is not known."""
    rows = []
    for stay in walk.stays:
        if stay.ordinal not in companies:
            continue
        who = companies[stay.ordinal]
        is_over = stay.last is not None and stay.last < len(days) - 1
        rows.append(
            {
                "ticker": who.ticker,
                "company": who.name,
                "sector": who.sector,
                "exchange": None,
                "valid_from": days[stay.first].session_date,
                "valid_to": days[stay.last].session_date if is_over else None,
            }
        )
    return TICKERS.enforce(pl.DataFrame(rows, schema=TICKERS.polars_schema))


def _text_frame(rows: list[Row]) -> pl.DataFrame:
    return (
        pl.DataFrame(rows, schema=_TEXT_SCHEMA, orient="row")
        .with_columns(pl.col("event_time", "knowledge_time").cast(UTC), source=pl.lit(SOURCE))
        .sort("text_id", "ticker", "knowledge_time")
    )
