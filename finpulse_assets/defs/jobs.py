"""Jobs: the whole graph, and the retraining, in one process.

https://docs.dagster.io/guides/build/jobs

One run holds the whole chain, because a failing dbt test blocks Python assets only within its run.
In process, because a step in a process of its own costs 10 to 25 s of imports on two cores.
"""

import dagster as dg

whole_graph = dg.define_asset_job(
    "whole_graph",
    selection=dg.AssetSelection.all(),
    executor_def=dg.in_process_executor,
    description="Materialize every asset for a span of months, from raw rows to signals.",
)

signal_chain = dg.define_asset_job(
    "signal_chain",
    selection=dg.AssetSelection.all() - dg.AssetSelection.groups("serving", "monitoring"),
    executor_def=dg.in_process_executor,
    description="From raw rows to signals, without services, snapshots and reports.",
)

# Everything that a retrained model changes, up to the signal.
MODEL_CHAIN = dg.AssetSelection.groups("models", "signals")

retrain = dg.define_asset_job(
    "retrain",
    selection=MODEL_CHAIN
    | dg.AssetSelection.assets(["serving", "price_bento"], ["serving", "analytics_snapshot"]),
    executor_def=dg.in_process_executor,
    description="Fit, evaluate and promote a candidate on the present training set, speak, and "
    "publish.",
)
