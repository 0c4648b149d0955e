"""A request to the prediction service: from its bytes to a symbol or to a whole feature row.

What a request may hold, and the sentence for each thing it may not.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import NoReturn

from finpulse_assets.errors import RequestError

MAX_BODY_BYTES = 64 * 1024
SHOWN_CHARACTERS = 40
SHOWN_NAMES = 3
FORM = 'send {"symbol": "..."} or {"features": {name: number or null, ...}}'


@dataclass(frozen=True)
class Request:
    """A valid request: a symbol in the form of the lake, or a whole feature row."""

    symbol: str | None = None
    features: Mapping[str, float | None] | None = None


def parse_request(body: bytes, features: tuple[str, ...]) -> Request:
    """Return the request in a JSON text.

    Args:
        body: UTF-8 JSON: an object with exactly one of symbol and features.
        features: the model's inputs; a feature row names each of them once.

    Raises:
        RequestError: says the thing, its value and the fix.

    >>> parse_request(b'{"symbol": "brk.b"}', ())
    Request(symbol='BRK-B', features=None)
    """
    content = _parse_json(body)
    if not isinstance(content, dict):
        raise RequestError(f"the request is {shown(content)}, it should be an object", hint=FORM)
    extra = [name for name in content if name not in ("symbol", "features")]
    if extra:
        raise RequestError(f"the request has the unknown field {shown(extra[0])}", hint=FORM)
    if len(content) != 1:
        found = "both symbol and features" if content else "neither symbol nor features"
        raise RequestError(f"the request has {found}, it should have exactly one", hint=FORM)
    if "symbol" in content:
        return Request(symbol=_symbol(content["symbol"]))
    return Request(features=_feature_row(content["features"], features))


def shown(value: object) -> str:
    """Return a value from outside as it may be repeated: ASCII, one line, at most 40 characters.

    >>> shown("x" * 50)
    "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx..."
    """
    text = ascii(value[:SHOWN_CHARACTERS] if isinstance(value, str) else value)
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "..."


def too_large(size: str) -> RequestError:
    """Return the refusal of a body of `size` bytes, which may be "more than ..."."""
    return RequestError(
        f"the request has {size} bytes, the limit is {MAX_BODY_BYTES}",
        hint="ask for one symbol or one feature row at a time",
    )


def _parse_json(body: bytes) -> object:
    if len(body) > MAX_BODY_BYTES:
        raise too_large(f"{len(body)}")
    try:
        return json.loads(body, object_pairs_hook=_object_without_repeats)
    except (ValueError, RecursionError) as error:
        reason = str(error) if isinstance(error, json.JSONDecodeError) else type(error).__name__
        raise RequestError(f"the request is not JSON: {reason}", hint=FORM) from error


def _object_without_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    content = dict(pairs)
    if len(content) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise RequestError(f"the request names {shown(twice)} twice", hint="name it once")
    return content


def _symbol(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise RequestError(
            f"the symbol is {shown(value)}, it should be a text", hint='for example "AAPL"'
        )
    return value.strip().upper().replace(".", "-")


def _feature_row(value: object, names: tuple[str, ...]) -> dict[str, float | None]:
    if not isinstance(value, dict):
        raise RequestError(f"features is {shown(value)}, it should be an object", hint=FORM)
    extra = [name for name in value if name not in names]
    if extra:
        near = get_close_matches(extra[0][:SHOWN_CHARACTERS], names, n=1)
        raise RequestError(
            f"the model does not know the feature {shown(extra[0])}",
            hint=f"do you mean {near[0]}" if near else f"leave it out; it knows {len(names)}",
        )
    missing = [name for name in names if name not in value]
    if missing:
        listed = ", ".join(missing[:SHOWN_NAMES])
        more = f" and {len(missing) - SHOWN_NAMES} more" if len(missing) > SHOWN_NAMES else ""
        raise RequestError(
            f"the features lack {len(missing)} of the model's {len(names)}: {listed}{more}",
            hint="name each, null where its value is unknown",
        )
    return {name: _number(name, value[name]) for name in names}


def _number(name: str, value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        _refuse(name, shown(value))
    try:
        number = float(value)
    except OverflowError:
        _refuse(name, shown(value))
    if not math.isfinite(number):
        _refuse(name, shown(number))
    return number


def _refuse(name: str, value: str) -> NoReturn:
    raise RequestError(
        f"the feature {name} is {value}, it should be a finite number",
        hint="send null where its value is unknown",
    )
