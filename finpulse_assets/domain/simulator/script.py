"""A script for a simulated market: what happens to it, and what its sources show of it on a day.

The script holds what a source cannot be asked to do on its own: to deliver late, to correct, to
list and to delist, to be down. What the sources show changes at the decision of a session; an
archive says later, truthfully, when each row was delivered.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import polars as pl

from finpulse_assets.domain.simulator.market import SOURCE, SimulatedMarket
from finpulse_assets.domain.simulator.plan import Regime
from finpulse_assets.schemas import CORPORATE_ACTIONS, OHLC, UTC

_FULL_DAY = timedelta(hours=6, minutes=30)  # from open to close


@dataclass(frozen=True)
class Split:
    """`ratio` new shares for an old one, from the session `ex_date` on."""

    ticker: str
    ex_date: date
    ratio: int


@dataclass(frozen=True)
class LateTexts:
    """The texts of `session` are first delivered on the session `shown`."""

    session: date
    shown: date


@dataclass(frozen=True)
class Correction:
    """The close of a bar is first delivered without `factor`, from the session `shown` on with it.

    The bar says that it was known at its close all the same, as vendors' bars do.
    """

    ticker: str
    session: date
    shown: date
    factor: float


@dataclass(frozen=True)
class Outage:
    """A source does not answer from the decision of `first` to the one after `last`."""

    source: str
    first: date
    last: date


@dataclass(frozen=True, kw_only=True)
class MarketScript:
    """What happens to a market; whatever is left out does not happen.

    Attributes:
        regime: another market from one session on.
        splits: of the market's own tickers.
        added: ticker -> the session on which it is listed, with all of its history.
        delisted: ticker -> its last session.
        late: texts that are delivered late.
        corrections: bars that are corrected.
        outages: sources that are down.
    """

    regime: Regime | None = None
    splits: tuple[Split, ...] = ()
    added: tuple[tuple[str, date], ...] = ()
    delisted: tuple[tuple[str, date], ...] = ()
    late: tuple[LateTexts, ...] = ()
    corrections: tuple[Correction, ...] = ()
    outages: tuple[Outage, ...] = ()

    def is_down(self, source: str, today: date) -> bool:
        """Return whether a source does not answer on the session `today`.

        >>> script = MarketScript(outages=(Outage("wire", date(2024, 3, 4), date(2024, 3, 6)),))
        >>> script.is_down("wire", date(2024, 3, 6)), script.is_down("wire", date(2024, 3, 7))
        (True, False)
        """
        return any(o.source == source and o.first <= today <= o.last for o in self.outages)


def played(market: SimulatedMarket, script: MarketScript) -> SimulatedMarket:
    """Return the market with the script's splits and delistings in it.

    Which bars are corrected is the script's to say: the market's own corrections are left out.

    Args:
        market: from `simulate`, given the script's regime.
        script: what happens to it.
    """
    prices, actions, tickers = market.prices, market.corporate_actions, market.tickers
    tweets, headlines = market.tweets, market.headlines
    for split in script.splits:
        prices, actions = _split(prices, actions, split)
    for ticker, last in script.delisted:
        gone = (pl.col("ticker") == ticker) & (pl.col("session_date") > last)
        after = prices.filter(gone)["event_time"].min()
        prices = prices.filter(~gone)
        actions = actions.filter(~((pl.col("ticker") == ticker) & (pl.col("ex_date") > last)))
        if after is not None:
            is_after = (pl.col("ticker") == ticker) & (pl.col("event_time") > _day_of(after))
            tweets, headlines = tweets.filter(~is_after), headlines.filter(~is_after)
        ends = pl.when(pl.col("ticker") == ticker).then(pl.lit(last)).otherwise("valid_to")
        tickers = tickers.with_columns(valid_to=ends)
    return replace(
        market,
        prices=prices,
        corrections=market.corrections.clear(),
        corporate_actions=actions,
        tickers=tickers,
        tweets=tweets,
        headlines=headlines,
    )


def shown_on(
    market: SimulatedMarket, script: MarketScript, sessions: pl.DataFrame, today: date
) -> SimulatedMarket:
    """Return what the sources of a market show from the decision of the session `today` on.

    Args:
        market: from `played`.
        script: the same script.
        sessions: `schemas.SESSIONS` of the market, and the session before it.
        today: the last session that is decided.
    """
    decided = _decisions(sessions)
    hidden = [ticker for ticker, listed in script.added if listed > today]
    is_listed = ~pl.col("ticker").is_in(hidden)
    unseen = pl.lit(False)
    for late in script.late:
        if late.shown > today:
            unseen |= _texts_of(late.session, sessions)
    is_known = is_listed & (pl.col("knowledge_time") <= decided[today]) & ~unseen
    prices = market.prices.filter(is_listed, pl.col("session_date") <= today)
    for correction in script.corrections:
        if correction.shown <= today:
            prices = _corrected(prices, correction)
    over = pl.when(pl.col("valid_to") < today).then("valid_to")
    return replace(
        market,
        tweets=market.tweets.filter(is_known),
        headlines=market.headlines.filter(is_known),
        prices=prices,
        corporate_actions=market.corporate_actions.filter(is_listed, pl.col("ex_date") <= today),
        tickers=market.tickers.filter(is_listed).with_columns(valid_to=over),
    )


def archive_on(
    market: SimulatedMarket, script: MarketScript, sessions: pl.DataFrame, today: date
) -> SimulatedMarket:
    """Return what was shown up to `today`, every version of it with the time of its delivery.

    A late text and a correction are known at the decision of the session that first showed them.

    Args:
        market: from `played`.
        script: the same script.
        sessions: `schemas.SESSIONS` of the market, and the session before it.
        today: the last session that is decided.
    """
    decided = _decisions(sessions)
    shown = shown_on(market, replace(script, corrections=()), sessions, today)
    known = pl.col("knowledge_time")
    for late in script.late:
        if late.shown <= today:
            at = pl.lit(decided[late.shown]).cast(UTC)
            # A ticker that was added later was never asked about while its texts were missing.
            later = [ticker for ticker, day in script.added if day > late.shown]
            is_late = _texts_of(late.session, sessions) & ~pl.col("ticker").is_in(later)
            known = pl.when(is_late).then(at).otherwise(known)
    versions = [shown.prices]
    for correction in script.corrections:
        if correction.shown <= today:
            at = pl.lit(decided[correction.shown]).cast(UTC)
            bar = shown.prices.filter(_is_bar(correction))
            versions.append(_corrected(bar, correction).with_columns(knowledge_time=at))
    return replace(
        shown,
        tweets=shown.tweets.with_columns(knowledge_time=known),
        headlines=shown.headlines.with_columns(knowledge_time=known),
        prices=pl.concat(versions),
    )


def _decisions(sessions: pl.DataFrame) -> dict[date, datetime]:
    return dict(sessions.select("session_date", "decision_at").iter_rows())


def _day_of(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _texts_of(session: date, sessions: pl.DataFrame) -> pl.Expr:
    """Return whether a text counts for `session`: known after the decision before, by its own."""
    ends = sessions.sort("session_date").select(
        "session_date", end="decision_at", begin=pl.col("decision_at").shift(1)
    )
    span = ends.row(by_predicate=pl.col("session_date") == session, named=True)
    begin, end = (pl.lit(span[name]).cast(UTC) for name in ("begin", "end"))
    return (pl.col("knowledge_time") >= begin) & (pl.col("knowledge_time") < end)


def _is_bar(correction: Correction) -> pl.Expr:
    return (pl.col("ticker") == correction.ticker) & (pl.col("session_date") == correction.session)


def _corrected(prices: pl.DataFrame, correction: Correction) -> pl.DataFrame:
    close = (pl.col("close") * correction.factor).round(2)
    mended = {
        "close": close,
        "high": pl.max_horizontal("high", close),
        "low": pl.min_horizontal("low", close),
    }
    wanted = _is_bar(correction)
    return prices.with_columns(
        pl.when(wanted).then(value).otherwise(pl.col(name)).alias(name)
        for name, value in mended.items()
    )


def _split(
    prices: pl.DataFrame, actions: pl.DataFrame, split: Split
) -> tuple[pl.DataFrame, pl.DataFrame]:
    is_after = (pl.col("ticker") == split.ticker) & (pl.col("session_date") >= split.ex_date)
    opens = prices.filter(is_after)["event_time"].min() - _FULL_DAY
    fewer = [
        pl.when(is_after).then((pl.col(n) / split.ratio).round(2)).otherwise(n).alias(n)
        for n in OHLC
    ]
    more = pl.when(is_after).then(pl.col("volume_shares") * split.ratio).otherwise("volume_shares")
    later = (pl.col("ticker") == split.ticker) & (pl.col("ex_date") > split.ex_date)
    smaller = pl.when(later & (pl.col("kind") == "dividend")).then(
        (pl.col("value") / split.ratio).round(4)
    )
    row = {
        "ticker": split.ticker,
        "ex_date": split.ex_date,
        "kind": "split",
        "value": float(split.ratio),
        "event_time": opens,
        "knowledge_time": opens,
        "source": SOURCE,
    }
    added = CORPORATE_ACTIONS.enforce(pl.DataFrame([row], schema=CORPORATE_ACTIONS.polars_schema))
    actions = actions.with_columns(value=smaller.otherwise("value"))
    return prices.with_columns(*fewer, volume_shares=more), pl.concat([actions, added])
