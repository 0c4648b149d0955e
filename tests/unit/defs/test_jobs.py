"""Which job makes what: the daily one fits no model."""

from __future__ import annotations

import pytest

from finpulse_assets.definitions import defs

CHAIN = {
    "out_of_sample_predictions", "fold_importance", "price_model", "evaluation", "promotion",
    "cards",
}  # fmt: skip


@pytest.fixture(scope="module")
def made() -> dict[str, set[str]]:
    """Job -> the keys that it makes."""
    definitions = defs()
    jobs = ("whole_graph", "signal_chain", "daily", "retrain")
    return {
        name: {
            key.to_user_string()
            for key in definitions.resolve_job_def(name).asset_layer.selected_asset_keys
        }
        for name in jobs
    }


def test_the_daily_job_is_everything_but_the_model_chain(made):
    """Defect: the model was refitted every day, so a retraining on drift had nothing to add."""
    chain = {f"models/{name}" for name in CHAIN}
    assert made["whole_graph"] - made["daily"] == chain
    assert made["daily"] < made["whole_graph"]
    assert {"predictions/outcomes", "monitoring/live_quality", "predictions/daily_signals"} < made[
        "daily"
    ]


def test_a_retraining_makes_the_chain_and_what_follows_from_it(made):
    assert {f"models/{name}" for name in CHAIN} < made["retrain"]
    assert {"predictions/daily_signals", "serving/price_bento"} < made["retrain"]
    assert not {key for key in made["retrain"] if key.startswith(("raw/", "scored/", "source/"))}


def test_a_run_without_services_still_judges_the_proof(made):
    assert "monitoring/live_quality" in made["signal_chain"]
    assert "serving/price_bento" not in made["signal_chain"]


def test_no_job_makes_what_is_measured_on_request(made):
    on_request = {
        f"models/{name}" for name in ("device_comparison", "backtest", "stocknet", "sp500")
    }
    keys = {key.to_user_string() for key in defs().resolve_asset_graph().materializable_asset_keys}
    assert keys - made["whole_graph"] == on_request
    assert not on_request & set.union(*made.values())
