"""Every page of the dashboard on a large snapshot: at most two seconds each.

    python benchmarks/pages.py FOLDER                            # 500 tickers, 2,520 sessions
    python benchmarks/pages.py FOLDER --tickers 50 --sessions 252

FOLDER is that of a profile; where it has no snapshot, one is published there first (ten minutes
and 3.4 GB at full size). Each view is run as Streamlit runs it, without a browser: with no answer
kept, and again. Seconds of the wall, and of the CPU of all threads.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

from measured import ROOT, verdict

sys.path.insert(0, str(ROOT))
LIMIT = 2.0
Change = Callable[[object], object]


def choosing(value: str, at: int = 0) -> Change:
    """Return what sets a page's segmented control."""
    return lambda page: page.segmented_control[at].set_value(value)


def searching(page: object) -> None:
    """Search all sessions of the news."""
    page.text_input[0].set_value("falls short")
    page.date_input[0].set_value(page.date_input[0].min)
    page.button[0].click()


# Page -> its further views, each with what the reader changes.
FURTHER: dict[str, dict[str, Change]] = {
    "explore": {"five years": choosing("five years", 1), "two features": choosing("Two features"),
                "a family over time": choosing("A family over time")},
    "sentiment": {"all sessions": choosing("all")},
    "news": {"search of all sessions": searching},
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tickers", type=int, default=500)
    parser.add_argument("--sessions", type=int, default=2_520)
    given = parser.parse_args()
    from finpulse_assets.gateways.serving.dashboard_environment import ROOT as SHOWN
    from finpulse_assets.gateways.snapshot.store import SnapshotStore

    if not SnapshotStore(given.folder).current.exists():
        from tests.fakes.published import publish

        publish(given.folder, tickers=given.tickers, sessions=given.sessions)
    os.environ[SHOWN] = str(given.folder)
    verdict({f"every view in {LIMIT:g} s": measure() <= LIMIT})


def measure() -> float:
    """Print a line a view; return the most seconds that one took."""
    from streamlit.components.v2 import manifest_scanner

    from apps.dashboard import app_folder

    # Not of the page: a server reads once what installed packages say of themselves.
    manifest_scanner.scan_component_manifests = cache(manifest_scanner.scan_component_manifests)
    views = sorted((app_folder() / "views").glob("*.py"))
    for view in views:  # the first run of each imports what it needs
        seconds_of(view, None)
    print("| view | wall s | CPU s | again, wall s | CPU s |\n|---|---|---|---|---|")
    slowest = 0.0
    for view in views:
        for name, change in {"": None, **FURTHER.get(view.stem, {})}.items():
            wall, cpu, *again = seconds_of(view, change)
            title = ", ".join(filter(None, (view.stem.replace("_", " "), name)))
            print(f"| {title} | " + " | ".join(f"{it:.2f}" for it in (wall, cpu, *again)) + " |",
                  flush=True)  # fmt: skip
            slowest = max(slowest, wall)
    return slowest


def seconds_of(view: Path, change: Change | None) -> list[float]:
    """Return wall and CPU seconds of a view with no answer kept, and of the same run again."""
    from streamlit.testing.v1 import AppTest

    from apps.dashboard.snapshot import _kept, _kept_made

    page = AppTest.from_file(str(view), default_timeout=600)
    if change:
        change(page.run())
    _kept.clear()
    _kept_made.clear()
    found = []
    for _ in range(2):
        wall, cpu = time.perf_counter(), time.process_time()
        page.run()
        found += [time.perf_counter() - wall, time.process_time() - cpu]
        if page.exception:
            sys.exit(f"{view.stem} fails: {page.exception[0].message}")
    return found


if __name__ == "__main__":
    main()
