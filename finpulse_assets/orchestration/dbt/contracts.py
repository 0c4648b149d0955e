"""The feature columns of dbt models, made from the feature registry.

Which models list features, and writing their columns between the two comment lines of their .yml
(`make docs`; a test holds the committed files to what this makes).
https://docs.getdbt.com/docs/mesh/govern/model-contracts
"""

from __future__ import annotations

import json
import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

from finpulse_assets.domain.features.families import holdings, options
from finpulse_assets.domain.features.families.text import DAILY, HISTORY, MARKET, NO_TEXT
from finpulse_assets.domain.features.feature import Feature
from finpulse_assets.domain.features.registry import FEATURES, TEXT
from finpulse_assets.errors import SchemaError
from finpulse_assets.orchestration.dbt.models import DAILY_FEATURES, DAILY_SENTIMENT, TRAINING_SET
from finpulse_assets.orchestration.dbt.project import PROJECT_DIR

PART = re.compile(
    r"(^ *# features:begin \(make docs\)\n).*?(^ *# features:end\n)", re.DOTALL | re.MULTILINE
)
COUNTED = ("texts", "authors", "sessions")
WIDTH = 100


@dataclass(frozen=True)
class Contract:
    """A dbt model with features among its columns; `full` names those that hold no null."""

    model: str
    features: tuple[Feature, ...]
    full: frozenset[str]

    @property
    def path(self) -> Path:
        return next(PROJECT_DIR.glob(f"models/*/{self.model}.yml"))

    def with_columns(self, yml: str) -> str:
        """Return the text of the .yml with its feature columns made anew.

        Raises:
            SchemaError: it does not have the two comment lines, once.
        """
        if len(PART.findall(yml)) != 1:
            raise SchemaError(
                f"{self.model}.yml should have one part for its feature columns",
                hint='write "# features:begin (make docs)" and "# features:end" among the columns',
            )
        columns = "".join(column(it, is_full=it.name in self.full) for it in self.features)
        return PART.sub(lambda match: match[1] + columns + match[2], yml)


# A feature of bars is null while it warms up; each row of int_daily_sentiment has a text.
ALWAYS = frozenset(it.name for it in TEXT if not it.undefined)
WITH_TEXT = ALWAYS.union(it.name for it in DAILY if it.undefined == NO_TEXT)
CONTRACTS = (
    Contract("int_daily_sentiment", DAILY, WITH_TEXT),
    Contract(DAILY_SENTIMENT, DAILY, frozenset()),  # tested in int_daily_sentiment
    Contract("int_text_windows", HISTORY, ALWAYS),
    Contract("int_text_market", MARKET, ALWAYS),
    Contract("int_holdings", holdings.FEATURES, frozenset()),
    Contract("int_options", options.FEATURES, frozenset()),
    Contract(DAILY_FEATURES, FEATURES, ALWAYS),
    Contract(TRAINING_SET, FEATURES, frozenset()),  # rows of fct_daily_features, tested there
)


def column(feature: Feature, *, is_full: bool) -> str:
    """Return one column of a contract, as lines of a .yml.

    >>> print(column(FEATURES[0], is_full=False).strip())
    - {name: return_1d, data_type: double, description: "close / previous close - 1 [fraction]"}
    """
    # Only texts are counted: a count of bars or sessions is null while it warms up, so a double.
    data_type = "bigint" if feature.is_text and feature.unit in COUNTED else "double"
    tests = " tags: [not_null]," if is_full else ""
    description = json.dumps(f"{feature.meaning} [{feature.unit}]", ensure_ascii=False)
    line = (
        f"      - {{name: {feature.name}, data_type: {data_type},{tests} "
        f"description: {description}}}"
    )
    lines = textwrap.wrap(
        line, WIDTH, subsequent_indent=" " * 9, break_long_words=False, break_on_hyphens=False
    )
    return "\n".join([*lines, ""])


def write_contracts() -> None:
    """Rewrite the feature columns of every contract in place."""
    for contract in CONTRACTS:
        yml = contract.path.read_text(encoding="utf-8")
        made = contract.with_columns(yml)
        # A touched file makes dbt parse the whole project again (6 s).
        if made != yml:
            contract.path.write_text(made, encoding="utf-8")
