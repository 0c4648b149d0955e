"""When the client asks again, how long it waits before, and what it says when it gives up."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime

import httpx

from finpulse_assets.errors import FinPulseError
from finpulse_assets.gateways.clock import Now, system_now

PASSING = (429, 502, 503, 504)  # statuses of what passes by itself
FIRST_SECONDS, LONGEST_SECONDS = 0.1, 5.0


class RefusedError(FinPulseError):
    """The service has refused the request.

    Attributes:
        status: of HTTP; 4xx is for the caller to mend, 5xx for the service.
    """

    def __init__(self, message: str, *, hint: str, status: int) -> None:
        super().__init__(message, hint=hint)
        self.status = status


class UnreachableError(FinPulseError):
    """Nothing answers at the URL, or it is not the prediction service."""


@dataclass(frozen=True)
class Retries:
    """How patient a client is.

    Attributes:
        attempts: requests at most, the first included.
        patience: seconds at most that one wait may take; a longer Retry-After is not waited for.
    """

    attempts: int = 4
    patience: float = 30.0


@dataclass
class Course:
    """The course of one question: each method returns the seconds to wait, or raises."""

    url: str
    retries: Retries
    now: Now = system_now
    made: int = field(default=0, init=False)

    def after_failure(self, error: httpx.TransportError) -> float:
        """Judge a request that got no answer.

        Raises:
            UnreachableError: there were attempts enough.
        """
        self.made += 1
        if self.made >= self.retries.attempts:
            said = str(error) or type(error).__name__
            raise UnreachableError(
                f"{self.url} gave no answer in {self.made} attempts: {said}",
                hint="check the URL, or start the service with finpulse serve",
            ) from error
        return self._growing()

    def after_refusal(self, reply: httpx.Response) -> float:
        """Judge an answer that is no success.

        Raises:
            RefusedError: it will not pass, there were attempts enough, or the wait is too long.
            UnreachableError: it is not the service that has answered.
        """
        self.made += 1
        announced = self._announced(reply.headers.get("retry-after", ""))
        wait = self._growing() if announced is None else announced
        is_over = self.made >= self.retries.attempts or wait > self.retries.patience
        if reply.status_code in PASSING and not is_over:
            return wait
        raise _refused(self.url, reply)

    def _growing(self) -> float:
        """Return a wait that doubles, drawn from its half to its whole: clients do not march."""
        whole = min(FIRST_SECONDS * 2 ** (self.made - 1), LONGEST_SECONDS)
        return whole * random.uniform(0.5, 1)  # noqa: S311

    def _announced(self, text: str) -> float | None:
        """Return the seconds that a Retry-After asks for: a number of them, or a time."""
        if text.isdecimal():
            return float(text)
        try:
            return max(0.0, (parsedate_to_datetime(text) - self.now()).total_seconds())
        except (TypeError, ValueError):
            return None


def stranger(url: str) -> UnreachableError:
    """Return the error of an answer that the service does not give."""
    return UnreachableError(
        f"{url} does not answer as the prediction service does", hint="check the URL"
    )


def _refused(url: str, reply: httpx.Response) -> FinPulseError:
    try:
        said = json.loads(reply.content)
        return RefusedError(said["error"], hint=said["hint"], status=reply.status_code)
    except (ValueError, TypeError, KeyError):
        return stranger(url)
