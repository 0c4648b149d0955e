"""The facts of a report: everything that it may say, each with the table and row it stands in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

OUTCOME = "came"  # the fact that only a review may say


class Unit(StrEnum):
    """What a fact's value is, which decides how it may be written."""

    SHARE = "share"  # 0.61, or 61 %
    RETURN = "return"  # -0.0068, -0.68 % or 68 basis points down
    NUMBER = "number"  # as it is, with its sign
    COUNT = "count"  # whole, never rounded
    PRICE = "USD"
    DATE = "date"
    TIME = "time"  # UTC
    TEXT = "text"  # what may be quoted
    NAME = "name"


@dataclass(frozen=True)
class Fact:
    """One thing that a report may say.

    Args:
        name: by which writers find it.
        meaning: what it is, in words.
        value: a number, date, time or text, as `unit` says.
        table: where it stands.
        row: the key of its row there.
    """

    name: str
    meaning: str
    value: float | date | datetime | str
    unit: Unit
    table: str
    row: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Facts:
    """What is known of a ticker at a time.

    Args:
        direction: up or down, as the signal says.
        skills: what the model was proven to be able to at that time; empty where nothing.
        abstains: why acting on the signal is advised against, "" where it is not.
        is_test: whether the report looks back on a day of the past.
        others: companies by ticker that the report is not about.
    """

    ticker: str
    company: str
    as_of: datetime
    direction: str
    skills: tuple[str, ...]
    abstains: str
    is_test: bool
    facts: tuple[Fact, ...]
    others: Mapping[str, str] = field(default_factory=dict)

    def get(self, name: str) -> Fact | None:
        """Return the fact of that name, None where there is none."""
        return next((fact for fact in self.facts if fact.name == name), None)

    def all(self, start: str) -> list[Fact]:
        """Return the facts whose names begin with `start`."""
        return [fact for fact in self.facts if fact.name.startswith(start)]

    def of(self, *units: Unit) -> list[Fact]:
        """Return the facts in these units."""
        return [fact for fact in self.facts if fact.unit in units]

    def as_json(self) -> dict[str, object]:
        """Return everything as JSON-able values, other companies left out."""
        return {
            "ticker": self.ticker,
            "company": self.company,
            "as_of": self.as_of.isoformat(),
            "signal": self.direction,
            "proven_skills": list(self.skills),
            "abstains": self.abstains,
            "test_mode": self.is_test,
            "facts": [
                {
                    "name": fact.name,
                    "meaning": fact.meaning,
                    "value": _plain(fact.value),
                    "unit": fact.unit.value,
                    "table": fact.table,
                    "row": {key: _plain(value) for key, value in fact.row.items()},
                }
                for fact in self.facts
            ],
        }


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value
