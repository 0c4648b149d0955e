"""The fits of the walk-forward, kept by what they were made from: one JSON file each.

They save work and are no result: whoever removes the folder loses time alone. What cannot be read
is fitted again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from finpulse_assets.domain.models.candidate import CARD_FILE
from finpulse_assets.gateways.atomic import written_atomically

MOST = 200  # files that are kept, those used last


@dataclass
class FitStore:
    """The fits below `root`; `salt` names the code that makes them, for another fits otherwise.

    Attributes:
        found: how many were taken from the store.
        made: how many were added.
    """

    root: Path
    salt: str = ""
    found: int = field(default=0, init=False)
    made: int = field(default=0, init=False)

    def get(self, key: str) -> Mapping[str, str] | None:
        path = self._path(key)
        try:
            files = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        if not isinstance(files, dict) or CARD_FILE not in files:
            return None
        with suppress(OSError):
            os.utime(path)
        self.found += 1
        return files

    def put(self, key: str, files: Mapping[str, str]) -> None:
        """Keep the files of a fit, and remove those that were not used for longest.

        Raises:
            LakeError: the disk refuses them.
        """
        with written_atomically(self._path(key), is_derived=True) as temporary:
            temporary.write_text(json.dumps(dict(files)), encoding="utf-8")
        self.made += 1
        kept = sorted(self.root.glob("*.json"), key=_used_at, reverse=True)
        for path in kept[MOST:]:
            path.unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self.root / f"{key}{self.salt and '-' + self.salt}.json"


def _used_at(path: Path) -> float:
    with suppress(OSError):
        return path.stat().st_mtime
    return 0.0
