"""The stance of a text: what it advises, where it says the stock goes, and what it calls proven."""

from __future__ import annotations

import re
from collections.abc import Iterator

from finpulse_assets.domain.reporting.claims import sentences
from finpulse_assets.domain.reporting.facts import Facts
from finpulse_assets.domain.reporting.grounding import FALLS, RISES

NOT = re.compile(
    r"\b(not|no|never|nor|neither|none|nothing|nobody|without|unproven|cannot)\b|n't\b", re.I
)
BUY = re.compile(
    r"\bbuy(?:s|ing)?\b(?! pressure)|\b(?:go|going|stay|be) long\b|\blong position|\boverweight\b|"
    r"\baccumulat|\binvest(?:ing)? in\b|\badd(?:ing)? to (?:the|your|a) position|\boutperform\b|"
    r"\bpurchas|\bload up\b|\bhold (?:on to )?(?:the |your )?(?:stock|shares|position)",
    re.I,
)
SELL = re.compile(
    r"\bsell(?:s|ing)?\b(?![ -](?:pressure|off))|\b(?:go|going|stay|be) short\b|\bshort (?:it|"
    r"position|the (?:stock|shares))|\bshorting\b|\bunderweight\b|\btake profits?\b|"
    r"\bunderperform\b|\breduc(?:e|ing) (?:the|your) (?:position|exposure)|\bget out\b",
    re.I,
)
SPEAKS = re.compile(
    r"\b(signal|model|forecast|forecasts|prediction|predicts?|expects?|expected|outlook|"
    r"recommendation|stance|view|bullish|bearish)\b",
    re.I,
)
UP = re.compile(RISES.pattern + r"|\bbullish\b|\blong\b", re.I)
DOWN = re.compile(FALLS.pattern + r"|\bbearish\b", re.I)
# What pulls one way does not make the whole go there; a probability is judged as a number.
PARTIAL = re.compile(
    r"\b(push|pull|mov|contribut|weigh|rais|lower(?:ed|s) |speaks? (?:for|against)|drag|lift)|"
    r"\b(probability|chance|odds|likelihood|interval|between|band|sentiment)\b",
    re.I,
)
PROVEN = re.compile(r"\bprove[nds]?\b|\bproof\b", re.I)
SKILLS = {
    "ranking": re.compile(r"\brank", re.I),
    "market": re.compile(r"\bmarket", re.I),
    "text": re.compile(r"\btexts?\b", re.I),
    "after_costs": re.compile(r"\bcosts?\b", re.I),
}
ACTED_ON = {"ranking", "market"}  # a proof of which of these is one of the signal itself
CLAUSES = re.compile(r"[;,:]| (?:but|while|whereas|although|and the|yet|though) ")


def problems(text: str, facts: Facts) -> list[str]:
    """Return where a text advises, points or claims a proof against the facts."""
    found = []
    for sentence in sentences(text):
        found += _advice(sentence, facts)
        found += _direction(sentence, facts)
        for clause in CLAUSES.split(sentence):
            found += _proof(clause, facts)
    return found


def missing(text: str, facts: Facts) -> list[str]:
    """Return what a report has to say and does not: its ticker, the signal, and its standing."""
    found = []
    if facts.ticker not in text:
        found.append(f"it does not name {facts.ticker}")
    says = any(
        re.search(r"\bsignal\b", one, re.I) and re.search(rf"\b{facts.direction}\b", one, re.I)
        for one in sentences(text)
    )
    if not says:
        found.append(f"it does not say that the signal is {facts.direction}")
    unproven = any(PROVEN.search(one) and NOT.search(one) for one in sentences(text))
    if not facts.skills and not (unproven or re.search(r"\bunproven\b", text, re.I)):
        found.append("it does not say that nothing is proven")
    return found


def _advice(sentence: str, facts: Facts) -> Iterator[str]:
    may = facts.direction if ACTED_ON & set(facts.skills) and not facts.abstains else None
    unproven = (facts.skills and facts.abstains) or "nothing is proven"
    why = unproven if may is None else f"the signal is {facts.direction}"
    for pattern, direction in ((BUY, "up"), (SELL, "down")):
        for match in pattern.finditer(sentence):
            if direction != may and not NOT.search(sentence[: match.start()]):
                yield f"it advises ({match[0]}) though {why}"


def _direction(sentence: str, facts: Facts) -> Iterator[str]:
    if not SPEAKS.search(sentence) or PARTIAL.search(sentence) or NOT.search(sentence):
        return
    up, down = bool(UP.search(sentence)), bool(DOWN.search(sentence))
    said = "up" if up and not down else "down" if down and not up else facts.direction
    if said != facts.direction:
        yield f"it says {said} where the signal is {facts.direction}: {sentence}"


def _proof(clause: str, facts: Facts) -> Iterator[str]:
    if not PROVEN.search(clause) or NOT.search(clause):
        return
    if not facts.skills:
        yield f"it calls proven what is not: {clause.strip()}"
        return
    for skill, pattern in SKILLS.items():
        if pattern.search(clause) and skill not in facts.skills:
            yield f"{skill} is not proven"
