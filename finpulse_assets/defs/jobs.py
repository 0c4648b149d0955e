"""Jobs: the whole graph, its daily part, and the retraining, in one process.

https://docs.dagster.io/guides/build/jobs

One run holds the whole chain, because a failing dbt test blocks Python assets only within its run.
In process, because a step in a process of its own costs 10 to 25 s of imports on two cores.
"""

import dagster as dg

# What somebody asks for: no job makes it.
ON_REQUEST = dg.AssetSelection.assets(
    *(["models", name] for name in ("device_comparison", "backtest", "stocknet", "sp500"))
)
EVERYTHING = dg.AssetSelection.all() - ON_REQUEST

whole_graph = dg.define_asset_job(
    "whole_graph",
    selection=EVERYTHING,
    executor_def=dg.in_process_executor,
    description="Materialize every asset for a span of months, from raw rows to signals.",
)

signal_chain = dg.define_asset_job(
    "signal_chain",
    selection=EVERYTHING - dg.AssetSelection.groups("serving", "monitoring"),
    executor_def=dg.in_process_executor,
    description="From raw rows to signals, without services, snapshots and reports.",
)

# What makes a champion. The daily run leaves it out: it predicts with the champion that is there.
MODEL_CHAIN = dg.AssetSelection.groups("models") - ON_REQUEST

daily = dg.define_asset_job(
    "daily",
    selection=EVERYTHING - MODEL_CHAIN,
    executor_def=dg.in_process_executor,
    description="Collect, score, judge the champion on what has matured, predict with it, and "
    "publish. No model is fitted.",
)

RETRAINED = (
    MODEL_CHAIN
    | dg.AssetSelection.groups("outcomes", "signals")
    | dg.AssetSelection.assets(["serving", "price_bento"])
)

retrain = dg.define_asset_job(
    "retrain",
    selection=RETRAINED | dg.AssetSelection.assets(["serving", "analytics_snapshot"]),
    executor_def=dg.in_process_executor,
    description="Fit, evaluate and promote candidates on the present training set, predict, and "
    "publish.",
)
