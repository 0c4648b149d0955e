"""The protocol of a writer, and which one a setting names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from finpulse_assets.errors import SettingError

HUB_ID = re.compile(r"([\w-][\w.-]*(?:/[\w-][\w.-]*)?)@([0-9a-f]{40})")
SERVER = re.compile(r"(https?://[^#\s]+)#(\S+)")
HINT = (
    "FINPULSE_REPORT_MODEL is a folder, a hub id with its commit (name/model@40 letters), or an "
    "address with a model (http://127.0.0.1:8000/v1#name)"
)


class Writer(Protocol):
    """Writes a text; while it is open it may hold a model."""

    name: str

    def write(self, messages: Sequence[tuple[str, str]]) -> str:
        """Return the answer to a conversation.

        Args:
            messages: (role, text), the role being system, user or assistant.

        Raises:
            ReportError: the writer gives no answer.
        """


def open_writer(
    model: str, *, key: str | None = None, hub_endpoint: str = ""
) -> AbstractContextManager[Writer]:
    """Return the writer that a setting names, to be entered for one report.

    Args:
        model: the value of FINPULSE_REPORT_MODEL.
        key: sent to a server, to nobody else.
        hub_endpoint: where hub ids are fetched.

    Raises:
        SettingError: the value names no writer.
    """
    from finpulse_assets.gateways.writing.own_process import ProcessWriter
    from finpulse_assets.gateways.writing.server import ServerWriter

    if found := SERVER.fullmatch(model):
        return ServerWriter(found[1].rstrip("/"), found[2], key=key)
    folder = Path(model).expanduser()
    if folder.is_dir():
        return ProcessWriter(str(folder.resolve()), name=folder.name)
    if found := HUB_ID.fullmatch(model):
        return ProcessWriter(found[1], revision=found[2], name=model, hub_endpoint=hub_endpoint)
    raise SettingError(f"FINPULSE_REPORT_MODEL is {model!r}, which names no model", hint=HINT)
