"""The folder of the analyst's reports: <root>/reports/analyst/<ticker>-<session>[-test].<kind>."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import polars as pl

FOLDER = Path("reports") / "analyst"
FACTS = {"fact": pl.String, "value": pl.String, "unit": pl.String, "table": pl.String,
         "row": pl.String}  # fmt: skip


@dataclass(frozen=True)
class KeptReport:
    """A report as its files hold it."""

    path: Path

    @property
    def name(self) -> str:
        """Ticker and session, marked where it looks back."""
        return self.path.stem

    @property
    def html(self) -> str:
        """One page that loads nothing."""
        return self.path.read_text()

    @property
    def body(self) -> str:
        """What stands on the page, without its head and its styles."""
        return self.html.partition("<body>")[2].partition("</body>")[0]

    def facts(self) -> pl.DataFrame:
        """Return everything that the report may say: fact, value, unit, table and row."""
        told = json.loads(self.path.with_suffix(".json").read_text())["facts"]
        rows = [
            (it["meaning"], str(it["value"]), it["unit"], it["table"],
             ", ".join(f"{name} {value}" for name, value in it["row"].items()))
            for it in told
        ]  # fmt: skip
        return pl.DataFrame(rows, schema=FACTS, orient="row")


def kept_reports(root: Path) -> list[KeptReport]:
    """Return the reports below the folder of a profile, the newest session first."""
    found = [KeptReport(path) for path in (root / FOLDER).glob("*.html")]
    by_ticker = sorted(found, key=lambda it: it.name)
    return sorted(by_ticker, key=lambda it: _session(it.name), reverse=True)


def _session(name: str) -> str:
    return name.removesuffix("-test")[-len("2026-11-27") :]
