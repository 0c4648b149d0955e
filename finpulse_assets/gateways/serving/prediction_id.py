"""Prediction ids: names of answers, in the order of time, never given twice.

An id is the time in microseconds, a number drawn by the process and its count, all hexadecimal.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from itertools import count

from finpulse_assets.errors import RequestError

_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
_DRAWN = secrets.token_hex(4)
_COUNT = count()
LENGTH = 14 + 1 + 8 + 6


def new_prediction_id(now: datetime) -> str:
    """Return the id of an answer given `now` (UTC).

    >>> answered_at = datetime(2026, 11, 27, 21, 15, tzinfo=UTC)
    >>> time_of(new_prediction_id(answered_at)) == answered_at
    True
    """
    return f"{microseconds_of(now):014x}-{_DRAWN}{next(_COUNT) & 0xFFFFFF:06x}"


def microseconds_of(now: datetime) -> int:
    """Return a time (UTC) as microseconds since 1970."""
    return (now - _EPOCH) // _MICROSECOND


def begun_at(name: str) -> datetime:
    """Return the time (UTC) that the name of a segment, or of an answer, begins with."""
    return _EPOCH + int(name[:14], 16) * _MICROSECOND


def time_of(prediction_id: str) -> datetime:
    """Return when the answer of that id was given (UTC).

    Raises:
        RequestError: it is no prediction id.
    """
    try:
        if len(prediction_id) != LENGTH or prediction_id[14] != "-":
            raise ValueError
        int(prediction_id[15:], 16)
        return begun_at(prediction_id)
    except (ValueError, OverflowError) as error:
        raise RequestError(
            f"{prediction_id[:40]!a} is no prediction id",
            hint="send the prediction_id of an answer",
        ) from error
