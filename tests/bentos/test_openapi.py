"""The whole OpenAPI document against the running service, by schemathesis.

https://schemathesis.readthedocs.io
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bentos.server import Server

pytest.importorskip("bentoml", reason="the extra `service` is not installed")
pytest.importorskip("schemathesis", reason="the extra `dev` is not installed")

SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")
# Examples of the document, every limit of every schema, and what is drawn from them. All checks:
# no 5xx, nothing that is valid is refused, nothing invalid is taken, answers are as described.
OPTIONS = ("--phases", "examples,coverage,fuzzing", "--max-examples", "60", "--seed", "1",
           "--continue-on-failure", "--no-color")  # fmt: skip


def test_what_the_document_allows_is_answered_and_nothing_is_a_server_error(
    servers: dict[str, Server], tmp_path
):
    url = servers["store"].url
    paths = json.loads(servers["store"].call("/openapi.json")[1])["paths"]
    operations = sum(len(methods) for methods in paths.values())
    done = subprocess.run(
        [str(SCHEMATHESIS), "run", f"{url}/openapi.json", *OPTIONS],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=1800,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert f"Tested: {operations}\n" in done.stdout
    made, passed = re.search(r"(\d+) generated, (\d+) passed", done.stdout).groups()
    assert made == passed
    assert int(made) > 300
    assert "Traceback" not in servers["store"].log.read_text()
