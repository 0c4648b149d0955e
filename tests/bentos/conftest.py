"""Four servers, started together and once: the start is the slow part."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from finpulse_assets.gateways.serving.bento_store import BentoStore
from tests.bentos.server import SERVICE, Server, start
from tests.fakes import serving as fakes


@pytest.fixture(scope="session")
def servers(tmp_path_factory) -> Iterator[dict[str, Server]]:
    home = tmp_path_factory.mktemp("service")
    bundle = fakes.bundle(home / "bundle")
    broken = fakes.bundle(home / "broken")
    fakes.flip_a_byte(broken / "model" / "expected_return.lightgbm.txt")
    bento, _ = BentoStore(home / ".finpulse" / "demo" / "bentoml").keep(
        bundle, labels={"champion": "test"}
    )
    serve = ["bentoml", "serve", "--host", "127.0.0.1"]
    finpulse = ["finpulse_assets.cli.app", "serve"]
    commands = {
        "folder": ([*serve, SERVICE], {"FINPULSE_SERVICE_HOME": str(bundle)}),
        "store": (finpulse, {"FINPULSE_HOME": str(home / ".finpulse")}),
        "bento": ([*serve, str(bento.folder)], {}),
        "broken": ([*serve, SERVICE], {"FINPULSE_SERVICE_HOME": str(broken)}),
    }
    started = {
        name: start(home / f"{name}.log", arguments, {"BENTOML_HOME": str(home / name), **own})
        for name, (arguments, own) in commands.items()
    }
    try:
        for name, server in started.items():
            server.until("/livez" if name == "broken" else "/readyz")
        yield started
    finally:
        for server in started.values():
            server.process.terminate()
        for server in started.values():
            server.process.wait(timeout=600)
