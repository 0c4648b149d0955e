"""Writing a report: a model writes, the check reads; after three refusals the template speaks."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

from finpulse_assets.domain.reporting import grounding, prompt, stance, template
from finpulse_assets.domain.reporting.facts import Facts
from finpulse_assets.errors import ReportError
from finpulse_assets.gateways.writing.writer import Writer

ATTEMPTS = 3  # the first, and two more
TEMPLATE = "template"
SHOWN = 3  # of the reasons why a text was refused


@dataclass(frozen=True)
class Written:
    """A report as it stands.

    Args:
        text: Markdown.
        writer: the model that wrote it, or template.
        because: why the template speaks in place of a model, "" where none was asked or it wrote.
        refused: texts that were refused.
    """

    text: str
    writer: str = TEMPLATE
    because: str = ""
    refused: int = 0


def write(facts: Facts, writer: AbstractContextManager[Writer] | None) -> Written:
    """Return the report; what a model wrote is in it only when nothing is wrong with it.

    Args:
        writer: a model that is not open yet, None for the template.
    """
    if writer is None:
        return Written(template.written(facts))
    refused: list[str] = []
    try:
        with writer as model:
            messages = prompt.asked(facts)
            for _ in range(ATTEMPTS):
                text = model.write(messages)
                refused = problems(text, facts)
                if not refused:
                    parts = (text.rstrip(), template.review(facts))
                    return Written("\n\n".join(filter(None, parts)) + "\n", model.name)
                messages = prompt.asked_again(messages, text, refused)
    except ReportError as error:
        because = f"The model did not write this report: {error}."
        return Written(template.written(facts, because=because), because=because)
    because = (
        f"The text of {model.name} was refused {ATTEMPTS} times, last for {len(refused)} reasons, "
        f"so this report is made from the facts alone."
    )
    return Written(
        template.written(facts, because=because),
        because=f"{because} {'; '.join(refused[:SHOWN])}",
        refused=ATTEMPTS,
    )


def problems(text: str, facts: Facts) -> list[str]:
    """Return everything that is wrong with a text."""
    return [
        *grounding.problems(text, facts),
        *stance.problems(text, facts),
        *stance.missing(text, facts),
    ]
