"""Story: a made-up text about a ticker, and what it would change; nothing is kept."""

import polars as pl
import streamlit as st

from apps.dashboard.figures.signals import change_figure
from apps.dashboard.parts import begin, chart, facts, plain, rows, ticker_choice
from apps.dashboard.service import service
from apps.dashboard.tables.story import changed_features
from finpulse_assets.client import Text
from finpulse_assets.errors import FinPulseError

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
try:
    with service() as client:
        before = client.predict(ticker, with_features=True)
        told = [Text(text.strip(), kind)]
        after = client.predict(ticker, texts=told, with_features=True)
        (opinion,) = client.sentiment([it.text for it in told])
except FinPulseError as error:
    st.info(plain(str(error)))
    st.stop()

facts([("Score of the text", f"{opinion.score:+.2f}", "-1 to 1")])
chart(change_figure(ticker, before, after), pl.DataFrame({
    "answer": ["without the text", "with the text"],
    "probability_up": [it.probability for it in (before, after)],
    "expected_return": [it.expected_return for it in (before, after)],
}), f"story_{ticker}")  # fmt: skip
if after.abstain:
    st.caption("The model abstains: " + plain(", ".join(after.abstain_reasons)))
changed = changed_features(before, after)
st.header("Features that changed", anchor=False)
if changed.is_empty():
    st.write("No feature changed.")
else:
    rows(changed)
