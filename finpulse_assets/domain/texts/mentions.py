"""Which tickers a text is about: by cashtag, by exchange and symbol, or by a company's name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from finpulse_assets.domain.texts.normalise import cashtags

_LISTED = re.compile(
    r"\((?:NASDAQ|NYSE|AMEX|NYSE American|NYSEARCA)\s*:\s*([A-Z]{1,6}(?:[.-][A-Z]{1,2})?)\)", re.I
)


class Mentions:
    """Finds the tickers of a universe in texts.

    Args:
        tickers: the universe, as the tables write them.
        names: ticker -> what its company is called; a name counts as whole words, in its own case.

    >>> mentions = Mentions(["AAPL", "BRK-B", "T"], {"AAPL": ["Apple"]})
    >>> mentions.of("Apple and $BRK.B rise; T is no name, nor are Pineapples (NYSE: T)")
    ['AAPL', 'BRK-B', 'T']
    """

    def __init__(self, tickers: Sequence[str], names: Mapping[str, Sequence[str]]) -> None:
        self._tickers = set(tickers)
        called = {name: ticker for ticker, own in names.items() for name in own}
        self._called = {name: ticker for name, ticker in called.items() if ticker in self._tickers}
        longest_first = sorted(self._called, key=len, reverse=True)
        words = "|".join(map(re.escape, longest_first))
        self._name = re.compile(rf"(?<!\w)(?:{words})(?!\w)") if words else None

    def of(self, text: str) -> list[str]:
        """Return the tickers that a text names, ascending."""
        found = cashtags(text) | {it.upper().replace(".", "-") for it in _LISTED.findall(text)}
        if self._name is not None:
            found |= {self._called[name] for name in self._name.findall(text)}
        return sorted(found & self._tickers)
