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


@pytest.mark.parametrize(("effect", "verdict"), [("2.0", "skill"), ("0", "no skill")])
def test_the_oracle(new_home, effect, verdict):
    """A strong planted effect is found with its interval above all baselines; none is not."""
    told = demo_json(new_home, {**ORACLE, "FINPULSE_SIMULATOR_EFFECT": effect})
    assert told["verdict"] == verdict, told["reason"]
    assert told["champion"]["is_proven"] == (verdict == "skill")
    accuracy = {row["predictor"]: row for row in told["scores"] if row["metric"] == "accuracy"}
    best = max(row["value"] for name, row in accuracy.items() if name != "lightgbm")
    assert (accuracy["lightgbm"]["lower"] > best) == (verdict == "skill")
    assert {row["is_proven"] for row in told["signals"]} == {verdict == "skill"}
