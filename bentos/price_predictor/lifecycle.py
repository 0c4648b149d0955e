"""A worker's life: the stand-in is told when it is ready, and SIGTERM lets it finish what waits."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from bentos.price_predictor.served import Served

CONTROL = "FINPULSE_STAND_IN"
DRAIN_SECONDS = 1.0  # for load balancers to see that it is not ready, and callers to be told
_KEPT: list[Any] = []  # what must live as long as the process


def start_stand_in() -> None:
    """Start the stand-in from BentoML's main process, and name it to the workers to come."""
    folder = Path(tempfile.mkdtemp(prefix="finpulse-stand-in-"))
    control = socket.socket(socket.AF_UNIX)
    control.bind(str(folder / "control"))
    control.listen()
    script = Path(__file__).with_name("stand_in.py")
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", str(script), str(control.fileno())],
        pass_fds=[control.fileno()],
        stdin=subprocess.PIPE,  # closed when this process ends, however it ends
    )
    control.close()
    _KEPT.append(process)
    os.environ[CONTROL] = str(folder / "control")


class Lifecycle:
    """What a worker does when it is ready and when it is told to stop."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self._stand_in: socket.socket | None = None

    def is_ready(self) -> None:
        """Hand the listening socket to the stand-in, and drain on SIGTERM."""
        number = _listening()
        control = os.environ.get(CONTROL)
        if number is not None and control:
            self._stand_in = socket.socket(socket.AF_UNIX)
            self._stand_in.connect(control)
            socket.send_fds(self._stand_in, [b"s"], [number])
        if number is not None:
            loop = asyncio.get_running_loop()
            stop = signal.getsignal(signal.SIGTERM)
            signal.signal(
                signal.SIGTERM, lambda *_: loop.call_soon_threadsafe(self._drain, loop, stop)
            )

    def _drain(self, loop: asyncio.AbstractEventLoop, stop: Any) -> None:
        if self.served.is_draining:
            return
        self.served.is_draining = True
        self.served.stream.close()
        loop.call_later(DRAIN_SECONDS, self._leave, stop)

    def _leave(self, stop: Any) -> None:
        if self._stand_in is not None:
            self._stand_in.close()
        if self.served.traces is not None:
            self.served.traces.provider.shutdown()  # sends what waits
        stop(signal.SIGTERM, None)


def _listening() -> int | None:
    """Return the descriptor of the listening socket that BentoML gave this worker, if it is one."""
    given = sys.argv
    return int(given[given.index("--fd") + 1]) if "--fd" in given[:-1] else None
