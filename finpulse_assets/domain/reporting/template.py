"""The writer that needs no model: the facts in plain sentences, as Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from finpulse_assets.domain.evaluation.skill import NAMES
from finpulse_assets.domain.reporting.facts import OUTCOME, Fact, Facts, Unit
from finpulse_assets.schemas import OUT_OF_SAMPLE

PREVIEW = 300  # characters of a text that is quoted
QUOTES = str.maketrans(dict.fromkeys('"“”„«»', "'"))  # within a quotation
WORDS = {"after_costs": "after costs"}


def written(facts: Facts, *, because: str = "") -> str:
    """Return the report as Markdown.

    Args:
        because: why this writer speaks in place of the model that was asked, "" where none was.
    """
    parts = [
        _head(facts),
        _section("Why", _reasons(facts)),
        _section("Texts", _texts(facts)),
        _section("How good", _evaluation(facts)),
        review(facts),
    ]
    if because:
        parts.append(f"## Writer\n\n{because}")
    return "\n\n".join(part for part in parts if part) + "\n"


def standing(facts: Facts) -> str:
    """Return what is proven, in a sentence, and what follows for who reads it."""
    when = "was" if facts.is_test else "is"
    if not facts.skills:
        return f"Nothing {when} proven, so the signal is no reason to act."
    names = ", ".join(WORDS.get(name, name) for name in facts.skills)
    others = [WORDS.get(name, name) for name in NAMES if name not in facts.skills]
    rest = f" Not proven: {', '.join(others)}." if others else ""
    return f"Proven: {names}.{rest} It is an estimate, and no advice about your money."


def review(facts: Facts) -> str:
    """Return what was said against what came, "" where the session has not closed yet."""
    return _section("Review", _review(facts))


def _section(title: str, lines: Iterator[str]) -> str:
    found = list(lines)
    return f"## {title}\n\n" + "\n".join(found) if found else ""


def _head(facts: Facts) -> str:
    target = facts.get("target_session_date")
    what = f"for {shown(target)}" if target else "for the next session"
    said = f"The signal of {facts.ticker} ({facts.company}) {what} is {facts.direction}."
    lines = [f"# {facts.ticker}: the signal is {facts.direction}", "", said]
    probability = f"The probability of a close above the open is {_shown(facts, 'probability_up')}"
    if facts.get("interval_level"):
        probability += (
            f", with a {_shown(facts, 'interval_level')} calibration interval from "
            f"{_shown(facts, 'probability_lower')} to {_shown(facts, 'probability_upper')}"
        )
    lines.append(f"{probability}, the expected return {_shown(facts, 'expected_return')}.")
    if facts.get("band_level"):
        lines.append(
            f"The {_shown(facts, 'band_level')} band of that return goes from "
            f"{_shown(facts, 'return_lower')} to {_shown(facts, 'return_upper')}."
        )
    if facts.get("rank"):
        lines.append(f"It ranks {_shown(facts, 'rank')} of {_shown(facts, 'ranked_tickers')}.")
    if facts.get("close"):
        lines.append(f"The last close, of {_shown(facts, 'close_date')}, is "
                     f"{_shown(facts, 'close')} USD.")  # fmt: skip
    if facts.get("probability_up").table == OUT_OF_SAMPLE.name:
        lines.append("It was said by a model that was fitted on earlier sessions alone.")
    lines.append(standing(facts))
    if facts.abstains:
        code = facts.get("abstain_reason")
        lines.append(f"Abstain: {facts.abstains}{f' (`{shown(code)}`)' if code else ''}.")
    return "\n".join(lines)


def _reasons(facts: Facts) -> Iterator[str]:
    for fact in facts.all("reason_"):
        effect = facts.get(f"{fact.name}_effect")
        if fact.unit is Unit.NAME and effect:
            place = facts.get(f"{fact.name}_place")
            where = f", at {shown(place)} of its training values" if place else ""
            yield f"- `{fact.value}` moves the log-odds by {shown(effect)}{where}."


def _texts(facts: Facts) -> Iterator[str]:
    for fact in facts.all("texts_"):
        kind_source = fact.name.removeprefix("texts_")
        mean = facts.get(f"sentiment_{kind_source}")
        score = f", with a mean sentiment of {shown(mean)}" if mean else ""
        yield f"- {fact.meaning[0].upper()}{fact.meaning[1:]}: {shown(fact)}{score}."
    for fact in facts.of(Unit.TEXT):
        source, at = facts.get(f"{fact.name}_source"), facts.get(f"{fact.name}_at")
        text = " ".join(str(fact.value).split()).translate(QUOTES)
        short = text if len(text) <= PREVIEW else text[:PREVIEW].rsplit(" ", 1)[0] + "…"
        yield f"- “{short}” ({source.value}, {shown(at)})"


def _evaluation(facts: Facts) -> Iterator[str]:
    sessions = facts.get("evaluated_sessions")
    for name in NAMES:
        value = facts.get(f"skill_{name}")
        if value is not None and sessions is not None:
            ends = (_shown(facts, f"skill_{name}_{end}") for end in ("lower", "upper"))
            proven = "proven" if name in facts.skills else "not proven"
            yield (
                f"- {WORDS.get(name, name)}, {proven}: {shown(value)} over {shown(sessions)} "
                f"sessions, {_shown(facts, 'evaluation_level')} interval {' to '.join(ends)}."
            )


def _review(facts: Facts) -> Iterator[str]:
    came = facts.get(OUTCOME)
    if came is None:
        return
    went = "up" if came.value > 0 else "down"
    right = "right" if went == facts.direction else "wrong"
    yield f"The session went {went}, by {shown(came)}: the direction was {right}."
    yield f"Expected was a return of {_shown(facts, 'expected_return')}."


def _shown(facts: Facts, name: str) -> str:
    fact = facts.get(name)
    return "not known" if fact is None else shown(fact)


def shown(fact: Fact) -> str:
    """Return a fact's value as the check reads it: rounded, with its sign and unit."""
    value, unit = fact.value, fact.unit
    if unit is Unit.SHARE:
        return f"{100 * value:.1f} %"
    if unit is Unit.RETURN:
        return f"{_signed(100 * value, 2)} %"
    if unit is Unit.NUMBER:
        return _signed(value)
    if unit is Unit.COUNT:
        return f"{value:,}"
    if unit is Unit.PRICE:
        return f"{value:,.2f}"
    return f"{value:%Y-%m-%d %H:%M} UTC" if unit is Unit.TIME else str(value)


def _signed(value: float, decimals: int = 3) -> str:
    """Return a number with two digits that say something at least.

    >>> _signed(0.20431), _signed(-0.0041), _signed(0.0), _signed(1.0)
    ('+0.204', '-0.0041', '0', '+1.000')
    """
    if value == 0:
        return "0"
    while abs(round(value, decimals)) < 10 ** (1 - decimals):
        decimals += 1
    return f"{value:+.{decimals}f}"
