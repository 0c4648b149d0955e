"""Ports for servers that a test starts."""

from __future__ import annotations

import os
import socket
from itertools import count

# Below 32768, where the system takes the ports of outgoing connections from: one of those may get
# a port between the moment in which it is found free and the moment in which a server binds it.
_FIRST, _RANGE = 20_000, 12_000
_tried = count(os.getpid() * 37)


def free_port() -> int:
    """Return a free port of this machine that this process has not returned before."""
    while True:
        port = _FIRST + next(_tried) % _RANGE
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
