"""The committed dbt contracts list the features of the registry, in its order and its words."""

from __future__ import annotations

import pytest
import yaml

from finpulse_assets.domain.features.feature import Feature
from finpulse_assets.errors import SchemaError
from finpulse_assets.orchestration.dbt.contracts import CONTRACTS, Contract, column

LONG = Feature(
    name="sentiment_5d", family="text", inputs=("scored texts",), unit="-1 to 1", lookback=5,
    formula=f'mean "score" of texts: {"really " * 20}all of them', source="Doe 1999",
)  # fmt: skip
YML = """\
      - {name: ticker}
      # features:begin (make docs)
      - {name: stale}
      # features:end
      - {name: written by hand}
"""


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.model)
def test_the_committed_contract_is_that_of_the_registry(contract: Contract) -> None:
    committed = contract.path.read_text(encoding="utf-8")
    assert contract.with_columns(committed) == committed, "run `make docs`"


def test_only_what_stands_between_the_lines_is_made_anew() -> None:
    made = Contract("fct_test", (LONG,), frozenset()).with_columns(YML)
    names = [it["name"] for it in yaml.safe_load(made)]
    assert names == ["ticker", "sentiment_5d", "written by hand"]
    assert made.count("# features:begin (make docs)") == made.count("# features:end") == 1


def test_a_long_description_survives_the_width_of_a_line() -> None:
    written = column(LONG, is_full=False)
    assert max(len(line) for line in written.splitlines()) <= 100
    (read,) = yaml.safe_load(written)
    assert read["description"] == f"{LONG.formula} (Doe 1999) [-1 to 1]"


@pytest.mark.parametrize(
    ("family", "unit", "is_full", "data_type", "tags"),
    [
        ("text", "texts", True, "bigint", ["not_null"]),
        ("text", "sessions", True, "bigint", ["not_null"]),
        ("text", "ratio", False, "double", None),
        ("text", "0 to 1", True, "double", ["not_null"]),
        ("calendar", "sessions", False, "double", None),
    ],
)
def test_a_column_has_the_type_and_tags_of_its_kind(
    family: str, unit: str, is_full: bool, data_type: str, tags: list[str] | None
) -> None:
    feature = Feature(name="x", family=family, formula="f", inputs=(), unit=unit, lookback=1)
    (read,) = yaml.safe_load(column(feature, is_full=is_full))
    assert (read["data_type"], read.get("tags")) == (data_type, tags)


@pytest.mark.parametrize("yml", ["columns: []\n", YML + YML])
def test_a_file_without_its_one_part_is_named(yml: str) -> None:
    with pytest.raises(SchemaError, match=r"fct_test\.yml should have one part"):
        Contract("fct_test", (LONG,), frozenset()).with_columns(yml)
