"""Asking Yahoo Finance: every call to yfinance, further attempts, and failures as one sentence.

https://ranaroussi.github.io/yfinance/reference/
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from finpulse_assets.errors import SourceError

if TYPE_CHECKING:
    import pandas as pd
    import yfinance

Answer = TypeVar("Answer")


class TooFast(SourceError):
    """Yahoo limits our requests: it answers none of the other tickers either."""


TIMEOUT_S = 10
FIRST_WAIT_S = 2.0


@dataclass(frozen=True)
class YahooClient:
    """Puts questions to Yahoo, one ticker each.

    Args:
        session: HTTP session for yfinance (curl_cffi or requests); None for its own.
        retries: further attempts after a failure that may pass.
        pause: waits for some seconds.
    """

    session: Any
    retries: int
    pause: Callable[[float], None]

    def ask(
        self, ticker: str, question: Callable[[yfinance.Ticker], Answer | None]
    ) -> Answer | None:
        """Return Yahoo's answer to `question`, None where it has no such ticker.

        Raises:
            SourceError: it failed, and so did every further attempt.
        """
        import yfinance
        from yfinance.data import YfData
        from yfinance.exceptions import YFException, YFTickerMissingError

        # Otherwise yfinance logs a failure and returns an empty frame, as if there were no data.
        yfinance.config.debug.hide_exceptions = False
        # The last four are what yfinance itself stumbles into when an answer has another form.
        failures = (YFException, OSError, ValueError, LookupError, TypeError, AttributeError)
        for attempt in range(self.retries + 1):
            # It keeps bad answers as well, and would give them again to each further attempt.
            YfData.cache_get.cache_clear()
            try:
                return question(yfinance.Ticker(ticker, session=self.session))
            except YFTickerMissingError:
                return None
            except failures as error:
                if _http_status(error) == 404:
                    return None
                failure = error
            if attempt < self.retries:
                self.pause(_wait(attempt))
        raise _gave_up(ticker, failure, attempts=self.retries + 1) from failure


def _wait(attempt: int) -> float:
    """Return seconds that double each time, spread so that clients do not come back in step."""
    spread = random.SystemRandom().uniform(0.5, 1.5)
    return FIRST_WAIT_S * 2**attempt * spread


def daily_history(yahoo: yfinance.Ticker, first: date, today: date) -> pd.DataFrame:
    """Ask for the daily bars from `first` to `today`, with no option left to a default.

    `auto_adjust` for one changed its default between versions of yfinance.
    """
    return yahoo.history(
        start=first.isoformat(),
        end=(today + timedelta(days=1)).isoformat(),
        interval="1d",
        prepost=False,
        actions=True,
        auto_adjust=False,
        back_adjust=False,
        repair=False,
        keepna=False,
        rounding=False,
        timeout=TIMEOUT_S,
    )


def _http_status(error: Exception) -> int | None:
    return getattr(getattr(error, "response", None), "status_code", None)


def _gave_up(ticker: str, failure: Exception, *, attempts: int) -> SourceError:
    from yfinance.exceptions import YFRateLimitError

    if isinstance(failure, YFRateLimitError):
        what, hint = "too many requests (HTTP 429)", "wait some minutes, or ask for fewer tickers"
    elif isinstance(failure, OSError) and not isinstance(failure, ValueError):
        what, hint = f"no answer ({type(failure).__name__})", "check the network and the proxy"
    else:
        what, hint = "an answer that is no data", "try later; if it stays so, upgrade yfinance"
    kind = TooFast if isinstance(failure, YFRateLimitError) else SourceError
    return kind(
        f"Yahoo gave {what} for {ticker}, {attempts} attempts were made",
        hint=f"{hint}; the files profile needs no network",
    )
