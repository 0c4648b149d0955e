"""How a request is refused: one shape, `{"error": ..., "hint": ...}`, whatever the reason."""

from __future__ import annotations

import msgspec

from finpulse_assets.domain.serving.predictor import UnknownSymbolError
from finpulse_assets.errors import FinPulseError, RequestError

Headers = tuple[tuple[bytes, bytes], ...]
CLOSE: Headers = ((b"connection", b"close"),)
RETRY_SECONDS = b"1"


class Refused(FinPulseError):
    """A request that is not answered.

    Attributes:
        status: of HTTP.
        headers: beside the content's own.
    """

    def __init__(self, status: int, error: str, *, hint: str, headers: Headers = ()) -> None:
        super().__init__(error, hint=hint)
        self.status, self.headers = status, headers


def refusal_of(error: FinPulseError) -> Refused:
    """Return an error of the domain as a refusal."""
    if isinstance(error, Refused):
        return error
    if not isinstance(error, RequestError):
        return Refused(500, "the request could not be answered", hint="see the service's log")
    status = 404 if isinstance(error, UnknownSymbolError) else 400
    return Refused(status, error.message, hint=error.hint or "see /docs")


def content_of(refused: Refused) -> bytes:
    """Return the JSON text of a refusal."""
    return msgspec.json.encode({"error": refused.message, "hint": refused.hint})
