"""Five servers, started together and once: the start is the slow part."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from finpulse_assets.gateways.serving.bento_store import BentoStore
from finpulse_assets.gateways.serving.store_layout import SENTIMENT
from tests.bentos.server import SERVICE, Server, start
from tests.fakes import scorer as fake_scorer
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
    scorer, _ = BentoStore(home / "scorer", SENTIMENT).keep(
        fake_scorer.bundle(home / "scorer-bundle"), labels={"dtype": fake_scorer.DTYPE}
    )
    serve = ["bentoml", "serve", "--host", "127.0.0.1"]
    finpulse = ["finpulse_assets.cli.app", "serve"]
    asked = start(home / "scorer.log", [*serve, str(scorer.folder)], {"BENTOML_HOME": str(home)})
    commands = {
        "folder": (
            [*serve, SERVICE],
            {"FINPULSE_SERVICE_HOME": str(bundle), "FINPULSE_SENTIMENT_URL": asked.url},
        ),
        "store": (
            finpulse,
            {"FINPULSE_HOME": str(home / ".finpulse"), "FINPULSE_SENTIMENT_URL": asked.url},
        ),
        "bento": ([*serve, str(bento.folder)], {}),
        "broken": ([*serve, SERVICE], {"FINPULSE_SERVICE_HOME": str(broken)}),
    }
    started = {
        name: start(home / f"{name}.log", arguments, {"BENTOML_HOME": str(home / name), **own})
        for name, (arguments, own) in commands.items()
    } | {"scorer": asked}
    try:
        for name, server in started.items():
            server.until("/livez" if name == "broken" else "/readyz")
        yield started
    finally:
        for server in started.values():
            server.process.terminate()
        for server in started.values():
            server.process.wait(timeout=600)
