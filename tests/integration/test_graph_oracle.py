"""The whole graph on markets in which the answer is known."""

from __future__ import annotations

import pytest

from tests.integration.graph_cli import SMALL, demo_json

# Enough predictions that a strong effect cannot hide.
ORACLE = {
    **SMALL,
    "FINPULSE_SIMULATOR_TICKERS": "12",
    "FINPULSE_SIMULATOR_SESSIONS": "260",
    "FINPULSE_SIMULATOR_MINUTE_SESSIONS": "0",
}


@pytest.mark.long
@pytest.mark.parametrize(("effect", "skills"), [("2.0", {"ranking", "text"}), ("0", set())])
def test_the_oracle(new_home, effect, skills):
    """A strong planted effect of the texts is found and named; where there is none, nothing is."""
    told = demo_json(new_home, {**ORACLE, "FINPULSE_SIMULATOR_EFFECT": effect})
    assert (told["verdict"] == "no skill") == (not skills), told["reason"]
    assert set(told["champion"]["skills"]) - {"after_costs"} == skills
    if not skills:  # the mean opinion of a few tickers does move their mean
        assert "market is not proven" in told["market"]
    ic = {row["predictor"]: row for row in told["scores"] if row["metric"] == "rank_ic"}
    assert (ic["ranking"]["lower_corrected"] > 0) == bool(skills)
    assert {row["is_proven"] for row in told["signals"]} == {bool(skills)}
