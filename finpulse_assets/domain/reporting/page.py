"""The pages of a report: Markdown with pictures beside it, HTML with everything in one file."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from html import escape

HEAD = """<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:;
style-src 'unsafe-inline'"><title>{title}</title><style>
:root{{color-scheme:light dark}}body{{font:16px/1.5 system-ui,sans-serif;max-width:44rem;
margin:2rem auto;padding:0 1rem}}img{{width:100%;background:#fff}}code{{font-size:.9em}}
footer{{font-size:.85em;opacity:.75;border-top:1px solid;margin-top:2rem;padding-top:.5rem}}
</style></head><body>
"""
NOTE = "An estimate of a model, and no investment advice."


def markdown(text: str, plots: Mapping[str, str], *, writer: str) -> str:
    """Return the report as Markdown.

    Args:
        text: of the report.
        plots: the file of each picture by what it shows.
        writer: who wrote it.
    """
    shown = "\n\n".join(f"![{name}]({path})" for name, path in plots.items())
    return f"{text}\n{shown}\n\n---\nWritten by: {writer}. {NOTE}\n"


def html(text: str, plots: Mapping[str, bytes], *, title: str, writer: str) -> str:
    """Return the report as one HTML file that loads nothing; what texts quote is escaped.

    >>> '<h1>A &lt;b&gt;</h1>' in html("# A <b>", {}, title="A", writer="template")
    True
    """
    pictures = (
        f'<figure><img alt="{escape(name)}" '
        f'src="data:image/png;base64,{base64.b64encode(png).decode()}"></figure>'
        for name, png in plots.items()
    )
    foot = f"<footer>Written by: {escape(writer)}. {NOTE}</footer></body></html>\n"
    return "\n".join([HEAD.format(title=escape(title)), *_blocks(text), *pictures, foot])


def _blocks(text: str) -> Iterator[str]:
    """Yield headings, lists and paragraphs."""
    for block in re.split(r"\n\s*\n", text.strip()):
        items: list[str] = []
        lines: list[str] = []
        for line in block.splitlines():
            if heading := re.match(r"(#{1,4}) +(.*)", line):
                level = len(heading[1])
                yield f"<h{level}>{_inline(heading[2])}</h{level}>"
            elif line.startswith(("- ", "* ")):
                items.append(f"<li>{_inline(line[2:])}</li>")
            else:
                lines.append(_inline(line))
        if lines:
            yield f"<p>{'<br>'.join(lines)}</p>"
        if items:
            yield f"<ul>{''.join(items)}</ul>"


def _inline(text: str) -> str:
    made = re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text, quote=False))
    return re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", made)
