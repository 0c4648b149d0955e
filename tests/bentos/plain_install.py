"""The service as after a plain install: what neither the core nor its extra brings is not there.

Run as a script with the folder of a bundle; it prints, as JSON, the status of each answer and what
was loaded with the service that it has no need of.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import tomllib
from collections.abc import Iterable
from importlib.abc import MetaPathFinder
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
OURS = {"finpulse_assets", "bentos", "tests"}
NEEDLESS = ("dagster", "dbt", "duckdb", "pandas", "torch", "mlflow", "exchange_calendars",
            "finpulse_assets.orchestration", "finpulse_assets.defs")  # fmt: skip


class Absent(MetaPathFinder):
    """Finds none of the modules of packages that are not installed."""

    def __init__(self, modules: Iterable[str]) -> None:
        self.modules = frozenset(modules)

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name.partition(".")[0] in self.modules:
            raise ModuleNotFoundError(f"{name} is not installed", name=name)


def installed_by(lines: Iterable[str]) -> set[str]:
    """Return the packages that requirements bring, with all that these need."""
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = [Requirement(line) for line in lines]
    while waiting:
        asked = waiting.pop()
        key = (normal(asked.name), frozenset(asked.extras))
        if key not in seen:
            seen.add(key)
            waiting += needed_by(asked)
    return {name for name, _ in seen}


def needed_by(asked: Requirement) -> list[Requirement]:
    try:
        further = [Requirement(line) for line in requires(asked.name) or ()]
    except PackageNotFoundError:  # it is for another system
        return []
    extras = [{"extra": it} for it in ("", *asked.extras)]
    return [it for it in further if it.marker is None or any(map(it.marker.evaluate, extras))]


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def main(bundle: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    installed = installed_by(project["dependencies"] + project["optional-dependencies"]["service"])
    foreign = {
        module
        for module, packages in packages_distributions().items()
        if not {normal(it) for it in packages} & installed
    }
    sys.meta_path.insert(0, Absent(foreign - OURS))

    import bentos.price_predictor.service  # noqa: F401 - the whole service loads
    from bentos.price_predictor.front import Front
    from bentos.price_predictor.served import SERVED

    loaded = [name for name in NEEDLESS if name in sys.modules]
    SERVED.start(bundle)
    symbol, row = {"symbol": "AAPL"}, {"return_1d": 0.5, "rsi_14": None, "sentiment_mean": 1}
    asked = {
        "/predict": [symbol, {"features": row}],
        "/predict_batch": [{"symbols": ["AAPL", "MSFT"]}],
        "/forecast": [{"prices": [100 + at % 5 for at in range(40)]}],
        "/symbols": [None], "/model": [None], "/health": [None], "/news/recent": [None],
        "/openapi.json": [None], "/docs": [None], "/metrics": [None],
    }  # fmt: skip
    front = Front(None, SERVED)
    statuses = {path: [ask(front, path, it) for it in bodies] for path, bodies in asked.items()}
    found = {"absent": sorted(foreign), "statuses": statuses, "loaded": loaded}
    sys.stdout.write(json.dumps(found) + "\n")


def ask(front: object, path: str, body: object) -> int:
    """Return the status of a request to the front."""
    sent: list[dict] = []

    async def receive() -> dict:
        return {"type": "http.request", "body": json.dumps(body).encode(), "more_body": False}

    async def send(message: dict) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": "GET" if body is None else "POST", "path": path,
        "query_string": b"", "headers": [(b"content-type", b"application/json")],
    }  # fmt: skip
    asyncio.run(front(scope, receive, send))
    return sent[0]["status"]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
