"""The documents are true: what they list is what the code has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.main import get_command

from finpulse_assets.cli import documents
from finpulse_assets.cli.app import app
from finpulse_assets.domain.features.registry import ALL
from finpulse_assets.orchestration.catalog.feature_page import FAMILIES
from finpulse_assets.settings import NO_SETTINGS, PREFIX, Settings

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def test_the_generated_parts_of_the_readme_are_those_of_the_code():
    assert documents.with_generated_parts(README) == README, "run `make docs`"


def test_env_example_lists_every_setting():
    assert (ROOT / ".env.example").read_text() == documents.env_example(), "run `make docs`"


def test_the_feature_page_is_that_of_the_registry():
    text = (ROOT / "docs" / "features.md").read_text(encoding="utf-8")
    assert text == documents.feature_document(), "run `make docs`"
    for feature in ALL:
        assert f"| `{feature.name}` |" in text
    for family in FAMILIES:
        assert f"](features/{family}.png)" in text


def test_every_command_stands_in_the_readme():
    for name in get_command(app).commands:
        assert f"finpulse {name}" in README, name


@pytest.mark.parametrize("name", sorted(get_command(app).commands))
def test_every_command_explains_itself_with_examples(name):
    command = get_command(app).commands[name]
    assert "Example" in command.help
    for option in command.params:
        assert getattr(option, "help", None), f"{name} {option.name}"


def test_every_make_target_explains_itself():
    makefile = (ROOT / "Makefile").read_text()
    targets = re.findall(r"^([a-z-]+):(?!=)", makefile, re.MULTILINE)
    explained = re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE)
    assert sorted(targets) == sorted(explained)


def test_no_setting_is_mentioned_that_does_not_exist():
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    known |= NO_SETTINGS
    texts = [README, *(p.read_text() for p in ROOT.glob("finpulse_assets/**/*.py"))]
    mentioned = set(re.findall(r"FINPULSE_[A-Z0-9_]+[A-Z]", " ".join(texts)))
    assert mentioned - known == set()
