"""Story: a made-up text about a ticker, and what it would change; nothing is kept."""

import polars as pl
import streamlit as st

from apps.dashboard.figures.signals import change_figure
from apps.dashboard.parts import begin, chart, facts, plain, rows, ticker_choice
from apps.dashboard.service import Service
from apps.dashboard.tables.story import changed_features, scores_in

LONGEST = 500

ask = begin("Story", "Make up a text about a ticker and see what the model would make of it. The "
            "text is not kept.")  # fmt: skip
ticker = ticker_choice(ask)
with st.form("story"):
    kind = st.segmented_control("Kind", ["headline", "tweet"], default="headline", required=True)
    example = f"{ticker} beats profit estimates and raises its outlook"
    text = st.text_area("Text", max_chars=LONGEST, placeholder=example)
    is_asked = st.form_submit_button("Ask the service", type="primary")
if not is_asked:
    st.stop()
if not text.strip():
    st.info("Write a text first.")
    st.stop()
service = Service.of_environment()
before = service.predict(ticker)
if before.answer is None:
    st.info(plain(before.problem))
    st.stop()
after = service.predict(ticker, [{"text": text.strip(), "kind": kind}])
if after.answer is None:
    st.info(plain(after.problem))
    st.stop()

scores = scores_in(after.answer)
if scores:
    facts([("Score of the text", ", ".join(f"{it:+.2f}" for it in scores), "-1 to 1")])
chart(change_figure(ticker, before.answer, after.answer), pl.DataFrame({
    "answer": ["without the text", "with the text"],
    "probability_up": [it["probability"] for it in (before.answer, after.answer)],
    "expected_return": [it["expected_return"] for it in (before.answer, after.answer)],
}), f"story_{ticker}")  # fmt: skip
if after.answer.get("abstain"):
    st.caption("The model abstains: " + plain(", ".join(after.answer["abstain_reasons"])))
changed = changed_features(before.answer, after.answer)
st.header("Features that changed", anchor=False)
if changed.is_empty():
    st.write("No feature changed, or the service did not send them.")
else:
    rows(changed)
