"""Predictions: what was answered and said live, what it came to, and how good that was."""

import polars as pl
import streamlit as st

from apps.dashboard.figures.lines import live_figure, stacked_figure
from apps.dashboard.parts import begin, behind, chart, none_yet, plain
from apps.dashboard.service import service
from apps.dashboard.tables import model
from apps.dashboard.theme import ABSTAIN, ACCENT, DOWN, UP
from finpulse_assets.errors import FinPulseError

ask = begin("Predictions", "What was said before a session opened, and what came of it.")

st.header("Live quality", anchor=False)
metric = st.selectbox("Metric", [it for it in model.METRICS if it not in model.NOT_LIVE],
                      format_func=model.METRICS.get)  # fmt: skip
quality, hits = model.live_quality(ask, metric), model.hits(ask)
if quality.is_empty():
    none_yet("No live signal has matured yet:", "the first one does when its session has closed.")
else:
    chart(
        live_figure(model.METRICS[metric].split(",")[0], model.METRICS[metric], quality),
        quality,
        f"live_{metric}",
    )
    if quality["lower"].drop_nulls().len():
        st.caption("Band: 95 % day-block bootstrap interval of the champion.")
if not hits.is_empty():
    right, wrong = hits["right_count"].sum(), hits["wrong_count"].sum()
    chart(stacked_figure(
        hits, "session_date", (("right_count", "right", UP), ("wrong_count", "wrong", DOWN)),
        title=f"{right:,} of {right + wrong:,} directions were right", y="signals", axis="session",
    ), hits, "hits")  # fmt: skip
    behind(model.outcomes(ask), "matured_signals", "The last matured signals")

st.header("Answers of the service", anchor=False)
answered, ledger = model.answered(ask), model.ledger(ask)
if ledger.is_empty():
    none_yet("The snapshot holds no answer of the service.",
             "`finpulse serve` gives them; the next run takes them in.")  # fmt: skip
else:
    days = answered.with_columns(acted_count=pl.col("answer_count") - pl.col("abstained_count"))
    chart(stacked_figure(
        days, "day",
        (("acted_count", "answered", ACCENT), ("abstained_count", "abstained", ABSTAIN)),
        title=f"{answered['answer_count'].sum():,} answers, "
        f"{answered['abstained_count'].sum():,} of them abstained", y="answers", axis="day, UTC",
    ), days, "answers")  # fmt: skip
    behind(ledger, "ledger", "The last answers")
if st.button("Ask the running service for its newest answers"):
    try:
        with service() as client:
            given = client.history()
    except FinPulseError as error:
        st.info(plain(str(error)))
    else:
        rows = [
            {name: getattr(it, name) for name in ("timestamp", "symbol", "prediction",
             "probability", "expected_return", "target_session_date", "abstain", "model_version")}
            for it in given
        ]  # fmt: skip
        if rows:
            behind(pl.DataFrame(rows), "newest_answers")
        else:
            st.write("It has answered nothing this week.")
