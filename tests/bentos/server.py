"""A service as a process: started, asked over HTTP and stopped."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

from tests.fakes.ports import free_port

ROOT = Path(__file__).parents[2]
LIMIT_SECONDS = 1800  # against a hang; a start takes 10 s
MODULE = "bentos.price_predictor.service"
SERVICE = f"{MODULE}:PricePredictor"


@dataclass(frozen=True)
class Server:
    """A started process, where it listens and what it prints."""

    process: subprocess.Popen
    url: str
    log: Path

    def call(self, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        """Return the status and the body of a GET, or of a POST where there is a body."""
        headers = {"Content-Type": "application/json"}
        call = Request(self.url + path, data=body, headers=headers)  # noqa: S310
        try:
            with build_opener(ProxyHandler({})).open(call, timeout=300) as reply:
                return reply.status, reply.read()
        except HTTPError as error:
            return error.code, error.read()
        except OSError:
            return 0, b""

    def until(self, path: str) -> Server:
        """Wait until a GET is answered with 200."""
        deadline = time.monotonic() + LIMIT_SECONDS
        while self.call(path)[0] != 200:
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)
        return self


def start(log: Path, arguments: list[str], environment: Mapping[str, str]) -> Server:
    port = free_port()
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    quiet = {"BENTOML_DO_NOT_TRACK": "True", "OMP_WAIT_POLICY": "PASSIVE", "OMP_NUM_THREADS": "1"}
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", *arguments, "--port", str(port)],
            env={**inherited, **quiet, **environment},
            cwd=ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    return Server(process, f"http://127.0.0.1:{port}", log)
