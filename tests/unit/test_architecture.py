"""The architecture's rules that a machine can check."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

WAITING = "OMP_WAIT_POLICY"
ROOT = Path(__file__).parents[2]
HEAVY = ("torch", "transformers", "mlflow", "evidently", "bentoml", "yfinance", "ray")
PICKLES = ("pickle.load", "pickle.dump", "joblib", "cloudpickle", "import dill", "torch.save(")


# One process for three questions, the lightest first: what a service imports, what loading the
# definitions imports (in a fork, which no later import can disturb), what any import opens.
IMPORTING = """
import importlib, json, os, pathlib, sys
opened = []
def note(event, args):
    if event == "open" and isinstance(args[0], str):
        opened.append(args[0])
sys.addaudithook(note)
import finpulse_assets.domain.models.lightgbm_model
import finpulse_assets.gateways.models.model_store
print(json.dumps(sorted(sys.modules)), flush=True)
import finpulse_assets.definitions
child = os.fork()
if not child:
    del os.environ["FINPULSE_FOLDS"]
    finpulse_assets.definitions.defs()
    print(json.dumps(sorted(sys.modules)), flush=True)
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
root = pathlib.Path.cwd()
for path in sorted(root.glob("finpulse_assets/**/*.py")):
    importlib.import_module(".".join(path.relative_to(root).with_suffix("").parts))
ours = [p for p in opened if p == ".env" or p.startswith(str(root)) and "/.venv/" not in p]
print(json.dumps(sorted({p for p in ours if not p.endswith((".py", ".pyc"))})))
"""


@pytest.fixture(scope="module")
def importing() -> list[list[str]]:
    """The modules of a service, those of the definitions, the files that importing all opened."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-B", "-c", IMPORTING],
        capture_output=True, text=True, check=False, cwd=ROOT,
        env={**os.environ, "DAGSTER_DISABLE_TELEMETRY": "1", "FINPULSE_FOLDS": "no number"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()[-3:]]


def test_a_service_needs_neither_dagster_nor_dbt(importing):
    assert "finpulse_assets.gateways.models.model_store" in importing[0]
    assert [name for name in ("dagster", "dbt", "duckdb", "torch") if name in importing[0]] == []


def test_loading_the_definitions_imports_nothing_heavy(importing):
    assert "finpulse_assets.defs.models.assets" in importing[1]
    assert [name for name in HEAVY if name in importing[1]] == []


def test_importing_every_module_reads_no_file_of_the_project(importing):
    """Neither settings nor dbt's manifest: what Dagster needs is read where it asks for it."""
    assert importing[2] == []


@pytest.mark.parametrize(("given", "found"), [({}, "PASSIVE"), ({WAITING: "ACTIVE"}, "ACTIVE")])
def test_threads_wait_quietly_whoever_loads_the_package(given, found):
    """A bare `dagster dev` too: the variable is set before anything that reads it is loaded."""
    code = (
        "import os, sys, finpulse_assets\n"
        "print(os.environ['OMP_WAIT_POLICY'], {'torch', 'lightgbm', 'numpy'} & set(sys.modules))"
    )
    bare = {name: value for name, value in os.environ.items() if name != WAITING}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=bare | given, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert done.stdout == f"{found} set()\n"


def test_no_pickle_anywhere():
    sources = [*ROOT.glob("finpulse_assets/**/*.py"), *ROOT.glob("bentos/**/*.py")]
    guilty = [
        f"{path.relative_to(ROOT)}: {mark}"
        for path in sources
        for mark in PICKLES
        if mark in path.read_text()
    ]
    assert guilty == []


def test_every_module_and_room_says_what_it_is():
    silent = []
    for path in ROOT.glob("finpulse_assets/**/*.py"):
        if not path.read_text().startswith(('"""', 'r"""')):
            silent.append(str(path.relative_to(ROOT)))
    assert silent == []


WALL_CLOCK = re.compile(r"datetime\.now\(|utcnow|date\.today\(|time\.time(_ns)?\(")


def test_one_module_reads_the_wall_clock():
    """Everything else is given the time, so that a rehearsal can give its own."""
    assert _where(WALL_CLOCK) == ["finpulse_assets/gateways/clock.py"]


def test_one_module_imports_from_the_private_modules_of_dagster():
    private = re.compile(r"(from|import) dagster(_dbt|_mlflow)?\._")
    assert _where(private) == ["finpulse_assets/orchestration/run/dagster_internals.py"]


def _where(pattern: re.Pattern[str]) -> list[str]:
    paths = sorted(ROOT.glob("finpulse_assets/**/*.py"))
    return [f"{path.relative_to(ROOT)}" for path in paths if pattern.search(path.read_text())]


ABOVE = ("defs", "definitions", "orchestration", "settings", "cli")


def test_applications_import_only_what_a_service_may():
    """Domain, schemas and gateways: what a page shows needs neither Dagster nor settings."""
    pattern = re.compile(rf"finpulse_assets\.({'|'.join(ABOVE)})\b")
    paths = sorted(ROOT.glob("apps/**/*.py"))
    assert paths
    guilty = [f"{it.relative_to(ROOT)}" for it in paths if pattern.search(it.read_text())]
    assert guilty == []


def test_files_stay_readable():
    long = {
        str(path.relative_to(ROOT)): lines
        for folder in ("finpulse_assets", "apps")
        for path in ROOT.glob(f"{folder}/**/*.py")
        if (lines := len(path.read_text().splitlines())) > 300
    }
    assert long == {}


def test_the_instance_is_set_as_the_readme_says():
    instance = yaml.safe_load((ROOT / ".dagster" / "dagster.yaml").read_text())
    assert instance["telemetry"] == {"enabled": False}
    assert instance["concurrency"]["pools"]["default_limit"] == 1
    assert instance["run_monitoring"]["enabled"]
    assert instance["run_retries"]["enabled"]
    assert instance["python_logs"]["managed_python_loggers"] == ["finpulse_assets"]


@pytest.mark.parametrize("pool", ["duckdb", "finbert", "lake_tweets", "lake_prices"])
def test_what_must_not_run_twice_has_a_pool(pool):
    from finpulse_assets.definitions import defs

    pools = {
        op.pool for op in defs().resolve_all_job_defs()[0].graph.node_defs if hasattr(op, "pool")
    }
    assert pool in pools


def test_no_two_files_import_each_other():
    """Also not by way of others: a circle is one file that was cut in the wrong place."""
    files = ROOT.glob("finpulse_assets/**/*.py")
    modules = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in files}
    waiting = {module: _imports_of(path, modules) for module, path in modules.items()}
    while free := [module for module, needed in waiting.items() if not needed]:
        for module in free:
            del waiting[module]
        for needed in waiting.values():
            needed.difference_update(free)
    assert sorted(waiting) == []


def _imports_of(path: Path, modules: dict[str, Path]) -> set[str]:
    """Return the modules of ours that a file imports, a room by its `__init__`."""
    found = set()
    packages = {name.removesuffix(".__init__") for name in modules if name.endswith(".__init__")}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module in modules.keys() | packages:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                room = f"{node.module}.__init__" if node.module not in modules else node.module
                found.add(whole if whole in modules else room)
    return found & modules.keys()
