"""What a ranking is taught: the place of each ticker's own move among those of its session.

How far a stock moves with the market, and how far it moves at all, decides much of a session's
order, and says nothing of the next session: the market goes up or down. That part is noise to the
fit, so it is taken off the returns before they are ranked. What the fit is measured by is the order
of the returns as they were.
"""

from __future__ import annotations

import numpy as np
import polars as pl

# What the size of a session's moves goes with.
EXPOSURES = ("beta_60d", "idiosyncratic_volatility_60d")
LEAST_TICKERS = 30  # of a session; fewer tell too little of what an exposure was worth in it
PULLED_IN = 0.025  # of a session's returns at each end, while that is measured
RIDGE = 1e-6  # of a row, so that an exposure that is equal for all has no worth


def taught_places(frame: pl.DataFrame) -> np.ndarray:
    """Return the place of each row's own move in its session, float64 from -0.5 to 0.5.

    Args:
        frame: session_date, return_next_session (Float64, fraction) and, where they are known,
            EXPOSURES as places.
    """
    moves = frame.select("session_date", it=pl.Series(own_moves(frame)))
    place = ((pl.col("it").rank("average") - 0.5) / pl.len() - 0.5).over("session_date")
    return moves.select(place.alias("place"))["place"].to_numpy()


def own_moves(frame: pl.DataFrame) -> np.ndarray:
    """Return each return less what the exposures were worth in its session, by least squares.

    Sessions of fewer than 30 tickers, and frames without exposures, keep their returns.

    Args:
        frame: as for `taught_places`.
    """
    returns = frame["return_next_session"].to_numpy()
    known = [name for name in EXPOSURES if name in frame.columns]
    if not known or not len(returns):
        return returns
    session = frame["session_date"].rank("dense").to_numpy().astype(np.int64) - 1
    sizes = np.bincount(session)
    day, it = "session_date", pl.col("return_next_session")
    ends = (it.quantile(at, "linear").over(day) for at in (PULLED_IN, 1 - PULLED_IN))
    near = frame.select(it.clip(*ends))["return_next_session"].to_numpy()

    def centred(values: np.ndarray) -> np.ndarray:
        return values - (np.bincount(session, values) / sizes)[session]

    inputs = [centred(frame[name].cast(pl.Float64).to_numpy()) for name in known]
    squares = np.empty((len(sizes), len(inputs), len(inputs)))
    cross = np.empty((len(sizes), len(inputs), 1))
    for at, one in enumerate(inputs):
        cross[:, at, 0] = np.bincount(session, one * centred(near))
        for other, values in enumerate(inputs):
            squares[:, at, other] = np.bincount(session, one * values)
    squares += RIDGE * sizes[:, None, None] * np.eye(len(inputs))
    worth = np.linalg.solve(squares, cross)[:, :, 0]
    worth[sizes < LEAST_TICKERS] = 0.0
    return returns - sum(worth[session, at] * one for at, one in enumerate(inputs))
