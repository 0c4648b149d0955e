"""Quotes of a CSV: whether all of them open and close fields, and where one does not close.

Lines without a quote cost no more than a look; a well-formed one with quotes costs a match.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from finpulse_assets.errors import SourceError

_BOM = b"\xef\xbb\xbf"
_HINT = "double a quote within a quoted field, and close it with one before the separator"


@dataclass(frozen=True)
class _Lines:
    """Lines of well-formed CSV: whole, or opening, within and closing a field of several lines."""

    whole: re.Pattern[bytes]
    opens: re.Pattern[bytes]
    within: re.Pattern[bytes]
    closes: re.Pattern[bytes]

    @classmethod
    def separated_by(cls, separator: str) -> _Lines:
        mark = re.escape(separator.encode())
        inside = rb'(?:[^"]|"")*+'
        one = rb'(?:"' + inside + rb'"|[^"' + mark + rb"]*+)"
        return cls(
            whole=re.compile(one + rb"(?:" + mark + one + rb")*+"),
            opens=re.compile(rb"(?:" + one + mark + rb')*"' + inside),
            within=re.compile(inside),
            closes=re.compile(inside + rb'"(?:' + mark + one + rb")*+"),
        )


@lru_cache(maxsize=64)
def is_well_quoted(
    path: Path, separator: str, columns: tuple[str, ...], _size: int, _changed: int
) -> bool:
    """Return whether every quote of the file opens or closes a field or is doubled within one.

    Args:
        path: the file.
        separator: what separates its fields.
        columns: its columns, for the sentence.

    Raises:
        SourceError: a quote opens a field that nothing closes, or that closes lines later in the
            middle of a text: rows between would be lost.
    """
    lines = _Lines.separated_by(separator)
    is_clean, opened = True, None  # the line and the field where a quote is open
    with path.open("rb") as file:
        for number, ended in enumerate(file, start=1):
            if b'"' not in ended:
                continue
            line = ended.rstrip(b"\r\n").removeprefix(_BOM if number == 1 else b"")
            if opened is None:
                if lines.whole.fullmatch(line):
                    continue
                field, is_plain = _open_field(line, separator.encode())
                opened = None if field is None else (number, field)
                is_clean &= is_plain and field is not None
            elif lines.closes.fullmatch(line):
                opened = None
            elif not lines.within.fullmatch(line):
                # It closes here; what follows must be another field.
                rest = line[lines.within.match(line).end() + 1 :]
                if not rest.startswith(separator.encode()):
                    raise _unclosed(path, columns, opened, f"closes on line {number} within a text")
                field, is_plain = _open_field(rest, separator.encode())
                opened = None if field is None else (number, field)
                is_clean &= is_plain and field is not None
    if opened is not None:
        raise _unclosed(path, columns, opened, "is never closed")
    return is_clean


def _open_field(line: bytes, separator: bytes) -> tuple[int | None, bool]:
    """Return the field that is open where `line` ends, None for none, and whether all were plain.

    Plain is a field that is quoted as a whole or has no quote at all.
    """
    at, field, is_plain = 0, 0, True
    while True:
        if line[at : at + 1] == b'"':
            end = re.compile(rb'(?:[^"]|"")*+').match(line, at + 1).end()
            if end >= len(line):
                return field, is_plain
            at = end + 1
        following = line.find(separator, at)
        rest = line[at : following if following >= 0 else len(line)]
        is_plain &= b'"' not in rest and not (rest and line[at - 1 : at] == b'"')
        if following < 0:
            return None, is_plain
        at, field = following + 1, field + 1


def _unclosed(
    path: Path, columns: tuple[str, ...], opened: tuple[int, int], what: str
) -> SourceError:
    number, field = opened
    name = columns[field] if field < len(columns) else f"{field + 1}"
    return SourceError(
        f"{path} cannot be read: line {number}, column {name}: a quote opens there and {what}",
        hint=_HINT,
    )
