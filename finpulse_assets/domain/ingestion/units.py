"""The unit of a dividend: from the shares of its day to those that the prices count in.

A source delivers a dividend in USD per share of its ex-date, after a split of the same day. Beside
unadjusted prices that is the unit. Adjusted prices count in the shares of the day on which their
series was first downloaded, so that a dividend is divided by the splits from its ex-date to that
day, and multiplied by those after it.
"""

from __future__ import annotations

from datetime import date

import polars as pl

BASIS_UNITS = {
    "unadjusted": "USD per share of the ex-date, after a split of that day",
    "split_adjusted": "USD per share as the first download of the prices counts them",
    "total_return": "not used: the prices hold it",
}


def in_units_of_prices(
    actions: pl.DataFrame, splits: pl.DataFrame, series: pl.DataFrame
) -> pl.DataFrame:
    """Return the actions with each dividend in the unit of its ticker's prices.

    Args:
        actions: good actions of one source, a dividend per share of its ex-date.
        splits: every split of that source: ticker, ex_date, value.
        series: ticker, price_basis, based_on (the day of the first download), of its prices.

    >>> from datetime import date
    >>> day = date(2014, 6, 9)
    >>> paid = {"ticker": "T", "ex_date": date(2014, 5, 8), "kind": "dividend", "value": 3.29}
    >>> split = {"ticker": "T", "ex_date": day, "value": 7.0}
    >>> prices = {"ticker": "T", "price_basis": "split_adjusted", "based_on": date(2015, 1, 2)}
    >>> frames = (pl.DataFrame([row]) for row in (paid, split, prices))
    >>> in_units_of_prices(*frames)["value"].to_list()
    [0.47]
    """
    adjusted = series.filter(pl.col("price_basis") == "split_adjusted")
    based = dict(adjusted.select("ticker", "based_on").iter_rows())
    if not based or splits.is_empty():
        return actions
    own: dict[str, list[tuple[date, float]]] = {}
    for ticker, day, ratio in splits.select("ticker", "ex_date", "value").unique().iter_rows():
        own.setdefault(ticker, []).append((day, ratio))
    factors = []
    for ticker, ex_date, kind in actions.select("ticker", "ex_date", "kind").iter_rows():
        factor = 1.0
        if kind == "dividend" and ticker in based:
            for day, ratio in own.get(ticker, []):
                if ex_date < day <= based[ticker]:
                    factor /= ratio
                elif based[ticker] < day <= ex_date:
                    factor *= ratio
        factors.append(factor)
    return actions.with_columns(value=pl.col("value") * pl.Series(factors, dtype=pl.Float64))
