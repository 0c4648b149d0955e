"""A process that has imported the platform once, and forks a child for each command line.

A process of its own for every command costs 8 to 25 s of imports; a child of this one starts in
milliseconds and is as separate: its own environment, process id, exit code, and death by SIGKILL.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
# What the graph imports inside its functions. They are loaded here, on one thread: a fork copies
# the thread that calls it and no other.
PRELOADED = (
    "alembic.command", "babel.dates", "dagster._core.execution.execute_in_process",
    "dagster._core.storage.sqlite_storage", "dagster._core.workspace.load", "dagster_mlflow",
    "datasketch", "dbt.adapters.duckdb.environments.local", "dbt.cli.main", "dbt.task.build", "git",
    "exchange_calendars", "lightgbm", "matplotlib.backends.backend_agg", "matplotlib.pyplot",
    "mlflow.lightgbm", "mlflow.pyfunc", "mlflow.sklearn",
    "mlflow.store.model_registry.sqlalchemy_workspace_store",
    "mlflow.store.tracking.sqlalchemy_workspace_store", "opentelemetry.sdk.metrics.export",
    "py3langid.langid", "pyarrow.parquet", "sqlalchemy.dialects.sqlite", "structlog", "talib",
    "tokenizers.trainers", "torch", "transformers.models.auto.tokenization_auto",
    "transformers.models.bert.modeling_bert", "upath", "vaderSentiment.vaderSentiment", "yfinance",
)  # fmt: skip
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE", "HF_HUB_OFFLINE": "1"}


@dataclass(frozen=True)
class KillPoint:
    """The moment before a finished file gets its name, at which the process signals itself.

    Attributes:
        name: a part of the path that the file, or the folder, is renamed to.
        count: which of the renames that match, from 1.
        signal: what it sends itself.
        is_looked_for: the file is made by a library in C, of which no rename is heard: the process
            looks for it in its home, and signals itself at the first sight.
    """

    name: str
    count: int = 1
    signal: int = signal.SIGKILL
    is_looked_for: bool = False


class ForkServer:
    """The server as its user sees it; started on first use."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def run(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        main: str = "finpulse_assets.cli.app:main",
        kill_at: KillPoint | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Call the function `main` with a command line in a child; return what a process would."""
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-W", "ignore", "-m", "tests.integration.fork_server"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
                env={**os.environ, **ONE_THREAD, "DO_NOT_TRACK": "true"},
            )  # fmt: skip
        with tempfile.TemporaryDirectory() as folder:
            request = {
                "command": command,
                "main": main,
                "environment": dict(environment),
                "folder": folder,
                "kill_at": asdict(kill_at) if kill_at else None,
            }
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
            assert answer, "the fork server died"
            out, err = (Path(folder, name).read_text() for name in ("stdout", "stderr"))
        return subprocess.CompletedProcess(command, int(answer), out, err)

    def stop(self) -> None:
        """Let the server end, and wait for it, so that its time counts as that of the tests."""
        if self._process is not None:
            self._process.communicate()
            self._process = None


def _import_everything() -> None:
    import finpulse_assets

    for module in pkgutil.walk_packages(finpulse_assets.__path__, "finpulse_assets."):
        importlib.import_module(module.name)
    for name in PRELOADED:
        importlib.import_module(name)
    # What the graph finds out once a process, and every child would again.
    from mlflow.utils import requirements_utils

    from finpulse_assets.domain.texts.language import language_of
    from tests.fakes.databases import do_not_wait_for_the_disk

    do_not_wait_for_the_disk()
    language_of("the language of a text")
    requirements_utils._init_packages_to_modules_map()


def _kill_at(name: str, count: int, signal: int, is_looked_for: bool) -> None:
    if is_looked_for:
        threading.Thread(target=_look_for, args=(name, signal), daemon=True).start()
        return
    seen = 0

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal seen
        if event == "os.rename" and name in str(arguments[1]):
            seen += 1
            if seen == count:
                os.kill(os.getpid(), signal)

    sys.addaudithook(hook)


def _look_for(name: str, signal: int) -> None:
    home = Path(os.environ["FINPULSE_HOME"])
    while not list(home.glob(f"*{name}*")):
        time.sleep(0.01)
    os.kill(os.getpid(), signal)


def _child(request: dict) -> None:
    """Become the process of one command line; never returns."""
    for number, name in enumerate(("/dev/null", "stdout", "stderr")):
        path = Path(request["folder"], name)
        flags = os.O_RDWR if number == 0 else os.O_WRONLY | os.O_CREAT
        os.dup2(os.open(path, flags, 0o600), number)
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")  # noqa: SIM115
    if request["kill_at"]:
        _kill_at(**request["kill_at"])
    code = 1
    try:
        sys.argv = ["finpulse", *request["command"]]
        module, name = request["main"].split(":")
        getattr(importlib.import_module(module), name)()
        code = 0
    except SystemExit as ended:
        code = int(ended.code or 0)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def serve() -> None:
    """Fork a child for each line of stdin, and answer with its exit code once it has ended."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what an import prints is no answer
    _import_everything()
    assert threading.active_count() == 1, "an import started a thread, which a fork would lose"
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _child(json.loads(line))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), file=answers, flush=True)


if __name__ == "__main__":
    serve()
