"""The folders of the dbt project: sources are read by staging, marts by marts alone."""

from __future__ import annotations

import re

import pytest

from finpulse_assets.orchestration.dbt.project import PROJECT_DIR

REFERENCE = re.compile(r"(ref|source)\('(\w+)'")
BELOW = {"staging": (), "intermediate": ("stg", "int"), "marts": ("stg", "int", "fct")}
MODELS = sorted((PROJECT_DIR / "models").rglob("*.sql"))


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_a_model_reads_no_folder_after_its_own(path) -> None:
    folder = path.parent.name
    for kind, name in REFERENCE.findall(path.read_text()):
        if kind == "source":
            assert folder == "staging", f"{path.name} reads the source {name}"
        else:
            prefix = name.split("_")[0]
            assert prefix in BELOW[folder] or "' ~ " in path.read_text(), f"{path.name}: {name}"
