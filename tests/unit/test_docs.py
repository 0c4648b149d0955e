"""The documents are true: what they list is what the code has, and what they link is there."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
from typer.main import get_command

from finpulse_assets.cli import documents
from finpulse_assets.cli.app import app
from finpulse_assets.domain.features.registry import ALL, COMPANY
from finpulse_assets.orchestration.catalog.feature_page import FAMILIES
from finpulse_assets.orchestration.run.vendor_makers import MAKERS
from finpulse_assets.setting_errors import NO_SETTINGS
from finpulse_assets.settings import PREFIX, Settings

ROOT = Path(__file__).parents[2]
COMMANDS = get_command(app).commands
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "bentos/**/*.md", "benchmarks/*.md")
    for path in ROOT.glob(pattern)
)
GENERATED = (
    ".env.example",
    "docs/commands.md",
    "docs/data_dictionary.md",
    "docs/features.md",
    "docs/graph.md",
    "docs/monitoring.md",
    "docs/operations.md",
    "docs/settings.md",
)
# Folders of the repository that a page may name a file of.
NAMED_FILE = re.compile(
    r"`((?:benchmarks|bentos|dbt_project|deploy|docs|finpulse_assets|tests)/[\w./-]+\.(?:py|md|sql|yml|txt))`"
)


@cache
def generated() -> dict[str, str]:
    return documents.documents()


def prose(path: Path) -> str:
    """Return a page without its code blocks, in which brackets are no links."""
    return re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.M)


def anchors(path: Path) -> set[str]:
    """Return the anchors that Markdown viewers give the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", prose(path), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", GENERATED)
def test_a_generated_document_is_that_of_the_code(name):
    assert (ROOT / name).read_text(encoding="utf-8") == generated()[name], "run `make docs`"


def test_the_generated_documents_are_those_that_are_tested():
    assert set(generated()) == set(GENERATED)


def test_a_missing_part_is_named():
    with pytest.raises(ValueError, match=r"docs/settings\.md has no part weather"):
        documents.with_parts("docs/settings.md", weather="rain")


def test_the_readme_is_read_in_two_minutes():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(readme.splitlines()) < 200
    assert "(make docs)" not in readme, "generated tables belong in docs/"


def test_the_index_leads_to_every_page():
    index = prose(ROOT / "docs" / "README.md")
    for page in ROOT.glob("docs/*.md"):
        assert page.name == "README.md" or f"]({page.name})" in index, page.name


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if link.startswith(("http://", "https://")):
            continue
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        assert target.exists(), f"{page.relative_to(ROOT)} links {link}"
        assert not anchor or anchor in anchors(target), f"{page.relative_to(ROOT)} links {link}"


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_that_are_named_exist(page):
    missing = [name for name in NAMED_FILE.findall(prose(page)) if not (ROOT / name).exists()]
    assert missing == []


def test_every_feature_stands_in_the_feature_page():
    text = (ROOT / "docs" / "features.md").read_text(encoding="utf-8")
    for feature in ALL:
        assert f"| `{feature.name}` |" in text
    for family in set(FAMILIES) - {it.family for it in COMPANY}:  # StockNet has neither
        assert f"](features/{family}.png)" in text


@pytest.mark.parametrize("name", sorted({*MAKERS, "yahoo"}))
def test_every_source_has_a_page_with_key_limits_licence_cost_and_what_it_cannot_do(name):
    page = (ROOT / "docs/sources" / f"{name}.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"^\| (\w+) \| (.+) \|$", page, re.MULTILINE))
    assert {"gives", "needs", "limits", "cost", "licence"} <= told.keys()
    assert re.search(rf"^# .+: `{name}`$", page, re.MULTILINE)
    assert re.search(r"^## What it cannot do\n\n- .{20}", page, re.MULTILINE)
    index = (ROOT / "docs/sources/README.md").read_text(encoding="utf-8")
    assert f"[{name}]({name}.md)" in index


def test_every_runbook_stands_in_the_operations():
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    for page in (ROOT / "docs" / "runbooks").glob("[a-z]*.md"):
        assert f"](runbooks/{page.name})" in text


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_explains_itself_with_examples(name):
    command = COMMANDS[name]
    assert "Example" in command.help
    for option in command.params:
        assert getattr(option, "help", None), f"{name} {option.name}"


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_to_copy_exist(page):
    """A line of code that begins with `finpulse` or `make` is one that a reader copies."""
    text = page.read_text(encoding="utf-8")
    copied = set(re.findall(r"^ {4}finpulse ([a-z][a-z-]*)", text, re.MULTILINE))
    assert copied <= set(COMMANDS)
    assert set(re.findall(r"^ {4}make ([a-z][a-z-]*)", text, re.MULTILINE)) <= targets()


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):(?!=)", (ROOT / "Makefile").read_text(), re.MULTILINE))


def test_every_make_target_explains_itself():
    makefile = (ROOT / "Makefile").read_text()
    assert targets() == set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE))


def test_no_setting_is_mentioned_that_does_not_exist():
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    known |= NO_SETTINGS
    texts = [p.read_text() for p in (*PAGES, *ROOT.glob("finpulse_assets/**/*.py"))]
    mentioned = set(re.findall(r"FINPULSE_[A-Z0-9_]+[A-Z]", " ".join(texts)))
    assert mentioned - known == set()
