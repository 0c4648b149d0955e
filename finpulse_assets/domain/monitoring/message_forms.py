"""The forms of a message: plain lines, Markdown for Slack and its like, HTML for mail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from html import escape


class Form(StrEnum):
    """How a destination takes a message."""

    TEXT = "text"
    MARKDOWN = "markdown"
    HTML = "html"


@dataclass(frozen=True)
class Line:
    """A line of a message: `label: value`, or the value alone where there is no label.

    Args:
        is_command: whether the value is to be typed.
        is_link: whether it is where to look; a link opens where it is a URL.
    """

    label: str
    value: str
    is_command: bool = False
    is_link: bool = False


def written(lines: Sequence[Line], form: Form) -> str:
    """Return the lines as a message body.

    >>> lines = [Line("", "3 < 9"), Line("runbook", "https://wiki/drift.md", is_link=True)]
    >>> print(written(lines, Form.TEXT))
    3 < 9
    runbook: https://wiki/drift.md
    >>> print(written(lines, Form.MARKDOWN))
    3 < 9
    <BLANKLINE>
    - **runbook**: [https://wiki/drift.md](https://wiki/drift.md)
    >>> print(written(lines, Form.HTML))
    <p>3 &lt; 9</p><b>runbook</b>: <a href="https://wiki/drift.md">https://wiki/drift.md</a><br>
    """
    if form is Form.HTML:
        return "".join(_html(line) for line in lines)
    if form is Form.MARKDOWN:
        first = [f"{line.value}\n" for line in lines if not line.label]
        return "\n".join([*first, *(_markdown(line) for line in lines if line.label)])
    return "\n".join(f"{line.label}: {line.value}" if line.label else line.value for line in lines)


def _opens(line: Line) -> bool:
    return line.is_link and line.value.startswith(("http://", "https://"))


def _markdown(line: Line) -> str:
    value = f"`{line.value}`" if line.is_command else line.value
    return f"- **{line.label}**: {f'[{value}]({value})' if _opens(line) else value}"


def _html(line: Line) -> str:
    value = escape(line.value)
    if not line.label:
        return f"<p>{value}</p>"
    if _opens(line):
        value = f'<a href="{value}">{value}</a>'
    return f"<b>{escape(line.label)}</b>: {value}<br>"
