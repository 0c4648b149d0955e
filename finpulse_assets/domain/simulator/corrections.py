"""Corrected bars: now and then the market delivers a close anew, a few sessions later.

A correction is a version of its bar, known at the open of a later session. It takes the close a
little further the way that the session went, so that no direction turns.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from finpulse_assets.domain.simulator.days import Day
from finpulse_assets.domain.simulator.plan import Stream, generator
from finpulse_assets.schemas import UTC

CHANCE = 1 / 500  # of a bar
LATEST = 3  # sessions after its own in which a bar is corrected
_LEAST, _MOST = 0.001, 0.005  # by what share of the close
_CENT = 0.01


def corrections_of(seed: int, prices: pl.DataFrame, days: Sequence[Day]) -> pl.DataFrame:
    """Return the corrected versions of a few bars, in the columns of `prices`.

    Whether a bar is corrected depends on its session and the tickers that trade in it alone, so a
    later end adds corrections and changes none.

    Args:
        seed: of the market.
        prices: bars in their first version, one a ticker and session.
        days: all sessions from the epoch on; a correction after the last of them is yet to come.
    """
    prices = prices.sort("session_date", "ticker")
    place = {day.session_date: at for at, day in enumerate(days)}
    counts = prices.group_by("session_date", maintain_order=True).len()
    places = [place[session] for session in counts["session_date"]]
    draws = np.concatenate(
        [np.empty((0, 3))]
        + [
            generator(seed, Stream.CORRECTIONS, days[at].number).random((count, 3))
            for at, count in zip(places, counts["len"], strict=True)
        ]
    )
    known = np.repeat(places, counts["len"]) + 1 + (draws[:, 1] * LATEST).astype(np.int64)
    is_known = (draws[:, 0] < CHANCE) & (known < len(days))
    opens = np.array([day.open_us for day in days])[np.minimum(known, len(days) - 1)]
    way = pl.when(pl.col("close") > pl.col("open")).then(1).otherwise(-1)
    share = pl.Series(_LEAST + (_MOST - _LEAST) * draws[:, 2])
    step = way * pl.max_horizontal(pl.col("close") * share, pl.lit(_CENT))
    corrected = (pl.col("close") + step).round(2).clip(_CENT)
    return (
        prices.with_columns(close=corrected, knowledge_time=pl.Series(opens).cast(UTC))
        .with_columns(
            high=pl.max_horizontal("high", "close"), low=pl.min_horizontal("low", "close")
        )
        .filter(pl.Series(is_known, dtype=pl.Boolean))
        .sort("ticker", "session_date")
    )
