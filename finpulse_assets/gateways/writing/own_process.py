"""A model of this machine in a process of its own, which ends with the report.

So the memory that it took is the system's again, whatever the libraries keep. The processes are
forked from a server that has imported the libraries and holds no model: a report pays for the model
alone. What goes between them is JSON.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from types import ModuleType, TracebackType

from finpulse_assets.errors import ReportError

GENERATION = "finpulse_assets.gateways.writing.generation"
ANSWER_SECONDS = 900.0
END_SECONDS = 10.0


@dataclass
class ProcessWriter:
    """Writes with a causal language model of transformers.

    Args:
        source: a folder, or a hub id.
        name: for people.
        revision: the commit of a hub id.
        hub_endpoint: where it is fetched.
    """

    source: str
    name: str
    revision: str | None = None
    hub_endpoint: str = ""
    _process: ForkServerProcess | None = field(default=None, repr=False)
    _connection: Connection | None = field(default=None, repr=False)

    def __enter__(self) -> ProcessWriter:
        if self.hub_endpoint:
            os.environ.setdefault("HF_ENDPOINT", self.hub_endpoint)
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([GENERATION])
        self._connection, theirs = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(theirs, self.source, self.revision), daemon=True
        )
        with _without_main():
            self._process.start()
        theirs.close()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        """End the process."""
        self._connection.close()
        self._process.join(END_SECONDS)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._process.close()

    def write(self, messages: Sequence[tuple[str, str]]) -> str:
        """Return the answer; see `Writer.write`."""
        try:
            self._connection.send_bytes(json.dumps(messages).encode())
            if not self._connection.poll(ANSWER_SECONDS):
                raise ReportError(f"{self.name} gave no answer in {ANSWER_SECONDS:.0f} s")
            found = json.loads(self._connection.recv_bytes())
        except (EOFError, OSError) as error:
            raise ReportError(
                f"the process of {self.name} ended without an answer",
                hint="it may have run out of memory; take a smaller model",
            ) from error
        if "problem" in found:
            raise ReportError(f"{self.name} cannot write: {found['problem']}")
        return found["text"]


@contextmanager
def _without_main() -> Iterator[None]:
    """Hide the main script, which a new process would run: it may be a page of a dashboard."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _serve(connection: Connection, source: str, revision: str | None) -> None:
    """Answer conversations until the connection is closed."""
    from finpulse_assets.gateways.writing.generation import Generator

    generator = None
    while True:
        try:
            messages = json.loads(connection.recv_bytes())
        except EOFError:
            return
        try:
            generator = generator or Generator(source, revision)
            found = {"text": generator.answer(messages)}
        except Exception as error:  # the boundary of the process: the reason goes to the parent
            found = {"problem": f"{type(error).__name__}: {error}"[:400]}
        connection.send_bytes(json.dumps(found).encode())
