"""The ticker that a data file is named after: AAPL.csv, aapl.us.txt, AAPL_2020.csv."""

from __future__ import annotations

import re
from pathlib import Path

from finpulse_assets.errors import SourceError

# What the names of downloads say beside the ticker; the second kind only behind it, for a company
# may be called D or MT.
_NEVER = {
    "daily", "adjusted", "dat", "ascii", "history", "historical", "historicaldata", "data",
    "prices", "price", "bars", "quotes", "stock", "stocks", "ohlc", "ohlcv", "candles", "minutes",
    "table", "download", "export", "intraday", "individual",
}  # fmt: skip
_BEHIND = {"us", "d", "m", "m1", "1m", "1min", "min", "1d", "day", "1day", "minute", "5yr"}
_TICKER = re.compile(r"[A-Z^][A-Z0-9.=^_-]{0,14}")


def ticker_in_name(path: Path) -> str:
    """Return the ticker that the file is named after.

    Raises:
        SourceError: the name has none.

    >>> [ticker_in_name(Path(name)) for name in ("AAPL.csv", "aapl.us.txt", "AAPL_2020.csv")]
    ['AAPL', 'AAPL', 'AAPL']
    >>> [ticker_in_name(Path(name)) for name in ("brk.b.csv", "DAT_MT_EURUSD_M1_2012.csv")]
    ['BRK-B', 'EURUSD']
    """
    stem = re.sub(r"\s*\(\d+\)$", "", path.stem.lower())  # what browsers add to a second download
    kept: list[str] = []
    words = [word for word in re.split(r"[_\s]+", re.sub(r"\.us$", "", stem)) if word]
    is_histdata = words[:1] == ["dat"]
    for word in words:
        is_behind = bool(kept) and word in _BEHIND
        is_form = is_histdata and not kept and word == "mt"
        if not (word in _NEVER or is_behind or is_form or re.fullmatch(r"[\d.-]+", word)):
            kept.append(word)
    ticker = "_".join(kept).upper()
    if not _TICKER.fullmatch(ticker):
        raise SourceError(
            f"{path} has no column of tickers, and its name '{path.name}' names none",
            hint="name the file after its ticker, such as AAPL.csv, or add a column",
        )
    return ticker.replace(".", "-")
