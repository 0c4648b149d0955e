"""One question about each of some tickers: what was answered, what is unknown, what failed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from finpulse_assets.errors import SourceError
from finpulse_assets.gateways.sources.yahoo.yahoo_client import TooFast

Answer = TypeVar("Answer")
# So many failures in a row are no matter of one ticker: the others are left to a later run.
MOST_IN_A_ROW = 3


@dataclass
class Found(Generic[Answer]):
    """Answers about some tickers, the tickers that Yahoo does not have, and those that failed."""

    answers: list[Answer] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    failed: dict[str, SourceError] = field(default_factory=dict)

    def some(self) -> Found[Answer]:
        """Return itself, where there is anything.

        Raises:
            SourceError: Yahoo has none of the tickers.
        """
        if not self.answers and not self.failed:
            raise SourceError(
                f"Yahoo has no data for any of the tickers {', '.join(self.unknown)}",
                hint="check FINPULSE_TICKERS, or try later",
            )
        return self


def for_each(tickers: Sequence[str], ask: Callable[[str], Answer | None]) -> Found[Answer]:
    """Return the answers about the tickers; one that fails leaves the others alone.

    Args:
        tickers: symbols.
        ask: returns the answer about one of them, None where Yahoo has none.

    Raises:
        SourceError: all failed.
    """
    found: Found[Answer] = Found()
    stop: SourceError | None = None
    in_a_row = 0
    for ticker in tickers:
        try:
            if stop is not None:
                raise stop
            answer = ask(ticker)
        except SourceError as error:
            found.failed[ticker], in_a_row = error, in_a_row + 1
            if isinstance(error, TooFast) or in_a_row >= MOST_IN_A_ROW:
                stop = error
            continue
        in_a_row = 0
        if answer is None:
            found.unknown.append(ticker)
        else:
            found.answers.append(answer)
    if len(found.failed) == len(tickers):
        raise found.failed[tickers[0]]
    return found
