"""A request to the prediction service: from its bytes to a symbol or to a whole feature row.

What a request may hold, and the sentence for each thing it may not.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, NoReturn

import msgspec
import numpy as np
from msgspec.structs import astuple

from finpulse_assets.errors import RequestError

MAX_BODY_BYTES = 64 * 1024
SHOWN_CHARACTERS = 40
SHOWN_NAMES = 3
MAX_BATCH = 512
MAX_BATCH_BYTES = 4 * 1024 * 1024
BATCH_FORM = 'send {"symbols": [...]} or {"columns": [names], "rows": [[number or null, ...]]}'
FORM = 'send {"symbol": "..."} or {"features": {name: number or null, ...}}'


class _BatchRequest(msgspec.Struct, forbid_unknown_fields=True):
    symbols: list[str] | msgspec.UnsetType = msgspec.UNSET
    columns: list[str] | msgspec.UnsetType = msgspec.UNSET
    rows: list[list[float | None]] | msgspec.UnsetType = msgspec.UNSET


_BATCH = msgspec.json.Decoder(_BatchRequest)


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
        return Request(symbol=normal_symbol(content["symbol"]))
    return Request(features=_feature_row(content["features"], features))


def feature_reader(features: tuple[str, ...]) -> Callable[[bytes], np.ndarray | None]:
    """Return what reads a feature row without looking for words: a fast `parse_request`.

    It gives the values as float64 of shape (1, features), NaN where null, for a request that is a
    feature row of finite numbers with every feature once, and None for every other: such a one is
    for `parse_request`, which finds the words.
    """
    # A field a feature: each stands in the text, once and in any order, and no other does.
    fields = [(f"feature_{at}", float | None, msgspec.field(name=it))
              for at, it in enumerate(features)]  # fmt: skip
    row_form = msgspec.defstruct("Row", fields, forbid_unknown_fields=True, gc=False)
    form = msgspec.defstruct("RowRequest", [("features", row_form)], forbid_unknown_fields=True)
    decode = msgspec.json.Decoder(form).decode
    # One colon a name and one for the field: no more of them means that no name stands twice.
    colons = len(features) + 1

    def read(body: bytes) -> np.ndarray | None:
        try:
            values = np.array([astuple(decode(body).features)], dtype=float)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return None
        is_exact = body.count(b":") == colons
        return values if is_exact and not np.isinf(values).any() else None

    return read


def parse_batch(body: bytes, features: tuple[str, ...]) -> list[str] | np.ndarray:
    """Return the symbols, or the feature rows in the model's order, that a batch asks for.

    Args:
        body: JSON: symbols, or columns (each feature once, in any order) and rows of them.
        features: the model's inputs.

    Returns:
        symbols in the form of the lake, or float64 (rows, features), NaN where null.

    Raises:
        RequestError: says the thing, its value and the fix.
    """
    try:
        batch = _BATCH.decode(body)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise RequestError(f"the batch cannot be read: {error}", hint=BATCH_FORM) from error
    # Two quotes a text: no more of them means that no name stands twice.
    texts = [it for it in (batch.symbols, batch.columns, batch.rows) if it is not msgspec.UNSET]
    texts += [text for named in texts if named is not batch.rows for text in named]
    if body.count(b'"') != 2 * len(texts):
        refuse_repeats(body)
    asked = batch.rows if batch.symbols is msgspec.UNSET else batch.symbols
    is_whole = (batch.rows is msgspec.UNSET) == (batch.columns is msgspec.UNSET)
    if not is_whole or (batch.symbols is msgspec.UNSET) == (batch.rows is msgspec.UNSET):
        raise RequestError("the batch has neither symbols nor rows alone", hint=BATCH_FORM)
    if not 1 <= len(asked) <= MAX_BATCH:
        raise RequestError(
            f"the batch asks for {len(asked)}, it should be 1 to {MAX_BATCH}",
            hint="send several batches",
        )
    if batch.symbols is not msgspec.UNSET:
        return [normal_symbol(symbol) for symbol in asked]
    return _matrix(batch.columns, asked, features)


def _matrix(columns: list[str], rows: list[list[Any]], features: tuple[str, ...]) -> np.ndarray:
    is_in_order = tuple(columns) == features
    if not is_in_order:
        _feature_row(dict.fromkeys(columns), features)  # the words for a wrong or a missing name
        if len(columns) != len(features):
            raise RequestError("the columns name a feature twice", hint="name it once")
    short = next((at for at, row in enumerate(rows) if len(row) != len(columns)), None)
    if short is not None:
        raise RequestError(
            f"row {short} has {len(rows[short])} values, there are {len(columns)} columns",
            hint="null where a value is unknown",
        )
    matrix = np.array(rows, dtype=float)
    if not is_in_order:
        place = {name: at for at, name in enumerate(columns)}
        matrix = matrix[:, [place[name] for name in features]]
    if (infinite := np.argwhere(np.isinf(matrix))).size:
        at, feature = infinite[0].tolist()
        _refuse(f"{features[feature]} of row {at}", "infinite")
    return matrix


def shown(value: object) -> str:
    """Return a value from outside as it may be repeated: ASCII, one line, at most 40 characters.

    >>> shown("x" * 50)
    "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx..."
    """
    text = ascii(value[:SHOWN_CHARACTERS] if isinstance(value, str) else value)
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "..."


def too_large(size: str, limit: int = MAX_BODY_BYTES) -> RequestError:
    """Return the refusal of a body of `size` bytes, which may be "more than ..."."""
    return RequestError(
        f"the request has {size} bytes, the limit is {limit}",
        hint="ask for one symbol or one feature row at a time",
    )


def refuse_repeats(body: bytes) -> None:
    """Hold a JSON text that can be read to names that stand once.

    Raises:
        RequestError: an object names something twice, and it is not clear which one is meant.
    """
    json.loads(body, object_pairs_hook=_object_without_repeats)


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
        counts = Counter(name for name, _ in pairs)
        twice = next(name for name, count in counts.items() if count > 1)
        raise RequestError(f"the request names {shown(twice)} twice", hint="name it once")
    return content


def normal_symbol(value: object) -> str:
    """Return a symbol in the form of the lake.

    Raises:
        RequestError: it is no text, or an empty one.
    """
    if not isinstance(value, str) or not value.strip():
        raise RequestError(
            f"the symbol is {shown(value)}, it should be a text", hint='for example "AAPL"'
        )
    return value.strip().upper().replace(".", "-")


def _feature_row(value: object, names: tuple[str, ...]) -> dict[str, float | None]:
    if not isinstance(value, dict):
        raise RequestError(f"features is {shown(value)}, it should be an object", hint=FORM)
    known = frozenset(names)
    extra = [name for name in value if name not in known]
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
