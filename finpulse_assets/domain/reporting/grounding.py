"""The grounding check: a text says nothing that is not among the facts.

Every number, date, time, ticker, feature and quotation must be there. A number may be rounded: it
is the fact to the decimals that are written, with two digits that say something or one decimal of a
percentage; counts are never rounded. A return keeps its sign, in a sign or in words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import Decimal

from finpulse_assets.domain.reporting import claims
from finpulse_assets.domain.reporting.claims import Number
from finpulse_assets.domain.reporting.facts import Fact, Facts, Unit

# Words in capitals that are no ticker.
ABBREVIATIONS = frozenset({"UTC", "USD", "IC", "MCC", "NYSE", "XNYS", "US", "ET", "EST", "EDT"})
NUMERIC = (Unit.SHARE, Unit.RETURN, Unit.NUMBER, Unit.COUNT, Unit.PRICE)
FALLS = re.compile(
    r"\b(fall|falls|fell|fallen|falling|lose|loses|lost|loss|losses|drop|drops|dropped|decline|"
    r"declines|declined|down|downward|lower(?! (?:end|bound))|below|decrease|decreased|negative|"
    r"lowers|lowered)\b",
    re.I,
)
RISES = re.compile(
    r"\b(rise|rises|rose|risen|rising|gain|gains|gained|climb|climbs|climbed|up|upward|higher|"
    r"above|increase|increased|positive)\b",
    re.I,
)
SLACK = Decimal("1e-9")
QUOTES = str.maketrans(dict.fromkeys('"“”„«»\u2018\u2019', "'"))  # one is as good as another


def problems(text: str, facts: Facts) -> list[str]:
    """Return what a text says that is not among the facts, a sentence for each; none is sound."""
    text = text.replace("\u2212", "-").replace("\u00a0", " ").replace("\u202f", " ")
    text, found = _without(text, claims.QUOTED, facts, _quotation)
    for pattern in claims.DATES:
        text, more = _without(text, pattern, facts, _date)
        found += more
    text, more = _without(text, claims.TIME, facts, _time)
    found += more
    text, more = _without(text, claims.IDENTIFIER, facts, _feature)
    found += more
    text, more = _without(text, claims.WEEKDAY, facts, _weekday)
    found += more
    text, more = _without(text, claims.CAPITALS, facts, _ticker)
    found += more + list(_companies(text, facts))
    text = text.replace(facts.company, " ")
    found += [
        f"the number {number.said} is not among the facts"
        for number in claims.numbers(text)
        if not any(_says(number, fact) for fact in facts.of(*NUMERIC))
    ]
    found += [f"{it[0]} is not among the facts" for it in claims.MULTIPLES.finditer(text)]
    return found


Check = Callable[[re.Match[str], Facts], str]


def _without(
    text: str, pattern: re.Pattern[str], facts: Facts, check: Check
) -> tuple[str, list[str]]:
    """Return the text without what a pattern finds, and the problems of what it finds."""
    found = []

    def judged(match: re.Match[str]) -> str:
        found.append(check(match, facts))
        return " "

    rest = pattern.sub(judged, text)
    return rest, [problem for problem in found if problem]


def _quotation(match: re.Match[str], facts: Facts) -> str:
    said = " ".join(next(part for part in match.groups() if part).split())
    bare = said.removesuffix("…").removesuffix("...").rstrip(" ,.").translate(QUOTES)
    held = (" ".join(str(fact.value).split()).translate(QUOTES) for fact in facts.of(Unit.TEXT))
    is_held = any(re.search(rf"(?<!\w){re.escape(bare)}(?!\w)", text) for text in held)
    return "" if bare and is_held else f"nobody said {said!r}"


def _date(match: re.Match[str], facts: Facts) -> str:
    part = match.groupdict()
    year, day = part.get("y"), part.get("d")
    name = part.get("n")
    month = claims.MONTHS[name] if name else part.get("m")
    wanted = [(year, "year"), (month, "month"), (day, "day")]
    for known in _days(facts):
        if all(value is None or int(value) == getattr(known, what) for value, what in wanted):
            return ""
    return f"the date {match[0]} is not among the facts"


def _days(facts: Facts) -> Iterator[date]:
    for fact in facts.of(Unit.DATE, Unit.TIME):
        yield fact.value.date() if isinstance(fact.value, datetime) else fact.value
    yield facts.as_of.date()


def _time(match: re.Match[str], facts: Facts) -> str:
    times = {fact.value for fact in facts.of(Unit.TIME)} | {facts.as_of}
    is_known = any((at.hour, at.minute) == (int(match[1]), int(match[2])) for at in times)
    return "" if is_known else f"the time {match[0]} is not among the facts"


def _weekday(match: re.Match[str], facts: Facts) -> str:
    known = {claims.WEEKDAYS[day.weekday()] for day in _days(facts)}
    return "" if match[0] in known else f"no date of the facts is a {match[0]}"


def _feature(match: re.Match[str], facts: Facts) -> str:
    known = {str(fact.value) for fact in facts.of(Unit.NAME)} | {fact.name for fact in facts.facts}
    return "" if match[0] in known else f"the feature {match[0]} is not among the facts"


def _ticker(match: re.Match[str], facts: Facts) -> str:
    is_ours = match[0].removeprefix("$") == facts.ticker or match[0] in ABBREVIATIONS
    return "" if is_ours else f"{match[0]} is not the ticker of the report"


def _companies(text: str, facts: Facts) -> Iterator[str]:
    for ticker, company in facts.others.items():
        is_other = ticker != facts.ticker and company and company != facts.company
        if is_other and re.search(rf"(?<!\w){re.escape(company)}(?!\w)", text):
            yield f"the report is not about {company}"


def _says(number: Number, fact: Fact) -> bool:
    """Return whether a number is a way to write the fact."""
    value, unit = Decimal(repr(float(fact.value))), fact.unit
    if number.unit == "%":
        if unit not in (Unit.SHARE, Unit.RETURN):
            return False
        value *= 100
    elif number.unit == "bp":
        if unit is not Unit.RETURN:
            return False
        value *= 10_000
    elif (number.unit == "USD" and unit is not Unit.PRICE) or (
        number.unit == "th" and unit is not Unit.COUNT
    ):
        return False
    if unit is Unit.COUNT:
        return not number.has_sign and _is_rounded(number, value, number.decimals < 0)
    return _has_its_sign(number, value, unit) and _is_rounded(
        number, value.copy_sign(number.value) if not number.has_sign else value, True
    )


def _has_its_sign(number: Number, value: Decimal, unit: Unit) -> bool:
    if number.has_sign:
        return (number.value < 0) == (value < 0) or value == 0
    falls, rises = FALLS.search(number.clause), RISES.search(number.clause)
    if value < 0:
        return bool(falls)
    return not (unit is Unit.RETURN and falls and not rises)


def _is_rounded(number: Number, value: Decimal, may_round: bool) -> bool:
    if number.value == value:
        return True
    is_told = number.digits >= 2 or (number.unit == "%" and number.decimals >= 1)
    half = Decimal(5).scaleb(-number.decimals - 1)
    return may_round and is_told and abs(number.value - value) <= half + SLACK
