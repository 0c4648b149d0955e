"""What a text claims: its quotations, dates, times, names in capitals, and numbers, as written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

MONTHS = {
    name: number
    for number, names in enumerate(
        ("January Jan", "February Feb", "March Mar", "April Apr", "May", "June Jun", "July Jul",
         "August Aug", "September Sept Sep", "October Oct", "November Nov", "December Dec"), 1
    )
    for name in names.split()
}  # fmt: skip
_MONTH = rf"(?P<n>{'|'.join(sorted(MONTHS, key=len, reverse=True))})"
_DAY, _YEAR = r"(?P<d>\d{1,2})(?:st|nd|rd|th)?", r"(?:,? (?P<y>\d{4}))?"
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
WEEKDAY = re.compile(rf"\b(?:{'|'.join(WEEKDAYS)})\b")
QUOTED = re.compile(
    r'"([^"]+)"|“([^”]+)”|„([^“”]+)[“”]|«([^»]+)»|'
    "(?<!\\w)['\u2018]([^'\u2019]{8,}?)['\u2019](?!\\w)"
)
DATES = (
    re.compile(r"\b(?P<y>\d{4})-(?P<m>\d{2})-(?P<d>\d{2})\b"),
    re.compile(rf"\b{_DAY} (?:of )?{_MONTH}\b\.?{_YEAR}"),
    re.compile(rf"\b{_MONTH}\b\.? {_DAY}\b{_YEAR}"),
    re.compile(r"\b(?P<m>\d{1,2})/(?P<d>\d{1,2})/(?P<y>\d{4})\b"),
    re.compile(r"\b(?P<d>\d{1,2})\.(?P<m>\d{1,2})\.(?P<y>\d{4})\b"),
    re.compile(rf"\b{_MONTH}\b (?P<y>\d{{4}})\b"),
    re.compile(r"(?<![\d.,$])\b(?P<y>(?:19|20)\d{2})\b(?![.,]?\d| ?%)"),
)
TIME = re.compile(r"\b([0-2]?\d):([0-5]\d)\b(?: ?(?:UTC|p\.?m\.?|a\.?m\.?))?")
CAPITALS = re.compile(
    r"\$[A-Za-z][A-Za-z0-9]{0,5}(?:[-.][A-Z])?\b|\b[A-Z][A-Z0-9]{1,5}(?:[-.][A-Z])?\b"
)
IDENTIFIER = re.compile(r"\b[a-z][a-z0-9]*(?:_[a-z0-9]+)+\b")
NUMBER = re.compile(
    r"(?P<sign>(?<![\w.)%–-])[+-] ?)?(?P<money>\$ ?)?(?<![\w.])(?P<digits>\d[\d,]*(?:\.\d+)?|\.\d+)"
    r"(?P<unit> ?%| ?percentage points?| ?per ?cent\b| ?bps?\b| ?basis points?"
    r"| ?(?:thousand|million|billion)\b| ?USD\b|(?:st|nd|rd|th)\b)?"
)
UNITS = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
]  # fmt: skip
TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
WORDS = {word: at for at, word in enumerate(UNITS)} | {
    word: 10 * at for at, word in enumerate(TENS, 2)
}
ORDINALS = [
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth",
]  # fmt: skip
SCALES = {"thousand": 3, "million": 6, "billion": 9}
PARTS = {
    "half": "0.5", "a quarter": "0.25", "a third": "0.33", "two thirds": "0.67",
    "three quarters": "0.75",
}  # fmt: skip
MULTIPLES = re.compile(r"\b(twice|doubled?|tripled?|twofold|threefold|a dozen|dozens)\b", re.I)
SPOKEN = re.compile(
    rf"\b(?P<a>{'|'.join(sorted(WORDS, key=len, reverse=True))})"
    rf"(?:[- ](?P<b>{'|'.join(UNITS[1:10])}))?(?P<c> hundred| thousand)?\b"
    r"(?P<unit> ?%| per ?cent)?",
    re.I,
)
# Of the word "one" only what counts something is a number.
COUNTED = re.compile(r"one (?:session|day|week|text|tweet|headline|source|message|article)\b", re.I)
RANKED = re.compile(r"\b(rank|ranks|ranked|place|position)\b")
OF_A_SPREAD = re.compile(r"(?:top|bottom)\W*$")  # top minus bottom third


@dataclass(frozen=True)
class Number:
    """A number as it is written.

    Args:
        said: the words.
        value: with its sign, in its own unit.
        decimals: how many are written; negative for thousands and more.
        unit: "%", "bp", "USD", "th" or "".
        has_sign: whether a sign is written.
        clause: the words around it, up to the next stop.
    """

    said: str
    value: Decimal
    decimals: int
    unit: str
    has_sign: bool
    clause: str

    @property
    def digits(self) -> int:
        """How many of its digits say something."""
        return len(str(abs(self.value)).replace(".", "").lstrip("0"))


def numbers(text: str) -> Iterator[Number]:
    """Yield every number, in digits or in words; dates and times are to be taken out before."""
    for found in NUMBER.finditer(text):
        yield _in_digits(found, text)
    for found in SPOKEN.finditer(text):
        is_bare = not (found["b"] or found["c"] or found["unit"])
        is_pronoun = found["a"].lower() == "one" and is_bare
        if not is_pronoun or COUNTED.match(text, found.start()):
            yield _in_words(found, text)
    for word, value in PARTS.items():
        for found in re.finditer(rf"\b{word}\b", text, re.I):
            if not OF_A_SPREAD.search(text[: found.start()]):
                clause = _clause(text, found.start())
                yield Number(found[0], Decimal(value), 2, "", False, clause)
    for value, word in enumerate(ORDINALS, 1):
        for found in re.finditer(rf"\b{word}\b", text, re.I):
            clause = _clause(text, found.start())
            if RANKED.search(clause):
                yield Number(found[0], Decimal(value), 0, "th", False, clause)


def _in_digits(found: re.Match[str], text: str) -> Number:
    digits, unit = found["digits"].rstrip(",").replace(",", ""), (found["unit"] or "").strip()
    value, decimals = Decimal(digits), len(digits.partition(".")[2])
    if unit in SCALES:
        value, decimals = value.scaleb(SCALES[unit]), decimals - SCALES[unit]
    sign = (found["sign"] or "").strip()
    return Number(
        said=found[0].strip(),
        value=-value if sign == "-" else value,
        decimals=decimals,
        unit="USD" if found["money"] else _unit(unit),
        has_sign=bool(sign),
        clause=_clause(text, found.start()),
    )


def _in_words(found: re.Match[str], text: str) -> Number:
    value = WORDS[found["a"].lower()] + WORDS.get((found["b"] or "").lower(), 0)
    value *= {"": 1, " hundred": 100, " thousand": 1000}[(found["c"] or "").lower()]
    unit = _unit((found["unit"] or "").strip())
    return Number(found[0].strip(), Decimal(value), 0, unit, False, _clause(text, found.start()))


def _unit(unit: str) -> str:
    if unit == "%" or unit.startswith("per"):
        return "%"
    if unit.startswith(("bp", "basis")):
        return "bp"
    return "USD" if unit == "USD" else "th" if unit in ("st", "nd", "rd", "th") else ""


STOPS = re.compile(r"[;:!?\n]|[.,](?!\d)| (?:but|while|whereas|although) ")


def _clause(text: str, at: int) -> str:
    before = [stop.end() for stop in STOPS.finditer(text, 0, at)]
    after = STOPS.search(text, at)
    return text[before[-1] if before else 0 : after.start() if after else len(text)]


def sentences(text: str) -> list[str]:
    """Return the sentences of a text."""
    return [part.strip() for part in re.split(r"(?<=[.!?])\s+|\n+", text) if part.strip()]
