"""What a language model is asked for, and what it is told when its text is refused."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from finpulse_assets.domain.reporting.facts import OUTCOME, Facts

RULES = """You write a short report about one stock for an analyst, in plain English, as Markdown.
Use the facts of the JSON alone. Rules, each of which a program checks:
- Write no number, date, time, ticker, feature or quotation that is not among the facts. Round a
  number to two digits or more; keep the sign of a return.
- Quote texts word by word, in double quotation marks.
- Say in one sentence: the signal is up, or: the signal is down, as "signal" says.
- Call proven what stands in "proven_skills" and nothing else. Where the list is empty, say that
  nothing is proven, and give no advice at all.
- Never advise against the signal, and never to buy or sell where nothing is proven."""
WRONG_SHOWN = 10


def asked(facts: Facts) -> list[tuple[str, str]]:
    """Return the conversation that asks for a report, (role, text), without what came after."""
    before = replace(facts, facts=tuple(it for it in facts.facts if it.name != OUTCOME))
    return [("system", RULES), ("user", json.dumps(before.as_json(), ensure_ascii=False))]


def asked_again(
    before: Sequence[tuple[str, str]], text: str, problems: Sequence[str]
) -> list[tuple[str, str]]:
    """Return the conversation after a text was refused, with the reasons."""
    listed = "\n".join(f"- {problem}" for problem in problems[:WRONG_SHOWN])
    return [
        *before[:2],
        ("assistant", text),
        ("user", f"This is refused:\n{listed}\nWrite the whole report again, by the rules."),
    ]
