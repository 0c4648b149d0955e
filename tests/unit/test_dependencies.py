"""Everything that is imported is declared in pyproject.toml, in the extra of its layer."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GRAPH = {"graph"}
# The extras that a folder may need beside the core; the longest match decides.
EXTRAS = {
    "finpulse_assets": set(),
    "finpulse_assets/cli": GRAPH,
    "finpulse_assets/cli/doctor.py": GRAPH | {"sentiment"},
    "finpulse_assets/client": {"client"},
    "finpulse_assets/definitions.py": GRAPH,
    "finpulse_assets/defs": GRAPH,
    "finpulse_assets/domain": GRAPH,  # TA-Lib and matplotlib, where features are made and drawn
    "finpulse_assets/domain/models/xgboost_model.py": GRAPH | {"candidates"},
    "finpulse_assets/domain/models/lstm.py": GRAPH | {"sentiment"},
    "finpulse_assets/orchestration": GRAPH,
    "finpulse_assets/gateways/compute": {"ray", "candidates"},
    "finpulse_assets/orchestration/stream": GRAPH | {"stream"},
    "finpulse_assets/gateways/models": GRAPH,
    "finpulse_assets/gateways/snapshot": GRAPH,
    "finpulse_assets/gateways/warehouse": GRAPH,
    "finpulse_assets/gateways/sentiment": {"sentiment", "minilm"},
    "finpulse_assets/gateways/sources": {"live"},
    "finpulse_assets/gateways/sources/stream": {"stream"},
    "finpulse_assets/gateways/serving": {"service"},
    "finpulse_assets/gateways/alerts": {"monitoring"},
    "finpulse_assets/gateways/reports": {"monitoring"},
    "finpulse_assets/gateways/writing": {"sentiment"},
    "apps/dashboard": {"dashboard"},
    "bentos": {"service"},
    "deploy/monitoring": {"monitoring"},
    "tests": {"dev", "ray"},
    "benchmarks": {"dev", "bench"},
}


DISTRIBUTIONS = packages_distributions()


@cache
def declared() -> dict[str, set[str]]:
    """Return the distributions of the core ("") and of each extra, by their normal names."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    named = {"": project["dependencies"], **project["optional-dependencies"]}
    found = {extra: {_name(line) for line in lines} for extra, lines in named.items()}
    ours = next(line for line in named["dev"] if line.startswith("finpulse["))
    for extra in re.search(r"\[(.*)\]", ours)[1].split(","):
        found["dev"] |= found[extra]
    return found


def _name(requirement: str) -> str:
    return _normal(re.match(r"[A-Za-z0-9._-]+", requirement)[0])


def _normal(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


def imported(path: Path) -> Iterator[str]:
    """Yield the packages of others that a file imports, wherever in it the import stands."""
    for node in ast.walk(ast.parse(path.read_text())):
        modules = []
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            modules = [node.module]
        yield from {module.split(".")[0] for module in modules} - set(sys.stdlib_module_names)


@pytest.mark.parametrize("folder", EXTRAS)
def test_what_is_imported_is_declared(folder):
    own = {path.stem for path in (*ROOT.glob("tests/**/*.py"), *ROOT.glob("benchmarks/*.py"))}
    own |= {"finpulse_assets", "apps", "bentos", "deploy", "tests"}
    allowed = declared()[""].union(*(declared()[extra] for extra in EXTRAS[folder]))
    undeclared = {
        f"{path.relative_to(ROOT)} imports {package}"
        for path in _files(folder)
        for package in imported(path)
        if package not in own
        and not allowed & {_normal(it) for it in DISTRIBUTIONS.get(package, [package])}
    }
    assert undeclared == set()


def _files(folder: str) -> list[Path]:
    """Return the Python files whose longest match among EXTRAS is `folder`."""
    start = ROOT / folder
    paths = [start] if start.is_file() else start.rglob("*.py")
    return [
        path
        for path in paths
        if folder == max((f for f in EXTRAS if path.is_relative_to(ROOT / f)), key=len)
    ]


def test_every_dependency_says_why_it_is_there():
    text = (ROOT / "pyproject.toml").read_text()
    listed = re.findall(r'^  "([A-Za-z][^"]*)",?(.*)$', text.split("[project.scripts]")[0], re.M)
    tools = ("finpulse[", "pytest>=", "ruff>=")
    silent = [name for name, reason in listed if "#" not in reason and not name.startswith(tools)]
    assert silent == []
