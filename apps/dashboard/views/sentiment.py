"""Sentiment: a ticker's texts over time by kind and source, and the texts behind a point."""

from datetime import date

import streamlit as st

from apps.dashboard.figures.lines import disagreement_figure, sentiment_figure, text_volume_figure
from apps.dashboard.parts import begin, chart, none_yet, plain, ticker_choice
from apps.dashboard.tables import texts

SPANS = {"60 sessions": 60, "a year": 252, "all": 100_000}

ask = begin("Sentiment", "How texts speak of a ticker, how many there are, how far they disagree.")
ticker = ticker_choice(ask)
span = st.segmented_control("Span", list(SPANS), default="60 sessions", required=True)
timeline = texts.timeline(ask, ticker, SPANS[span])
if timeline.is_empty():
    none_yet(f"There is no text about {ticker} in this span.", "Choose a longer span or another.")
    st.stop()
chart(sentiment_figure(ticker, timeline), timeline, f"sentiment_{ticker}")
chart(text_volume_figure(ticker, timeline), timeline, f"texts_{ticker}")
opinions = texts.disagreement(ask, ticker, SPANS[span]).drop_nulls("sentiment_disagreement")
if not opinions.is_empty():
    chart(disagreement_figure(ticker, opinions), opinions, f"disagreement_{ticker}")
    st.caption(
        "0: all opinions point to one side; 1: as many to either (Antweiler and Frank 2004)."
    )

st.header("Texts behind a session", anchor=False)
days: list[date] = timeline["session_date"].unique().sort(descending=True).to_list()
day = st.selectbox("Session", days, format_func=lambda it: f"{it:%a %Y-%m-%d}")
for it in texts.behind_point(ask, ticker, day).iter_rows(named=True):
    score = "no score" if it["score"] is None else f"{it['score']:+.2f}"
    st.markdown(
        f"**{plain(score)}** {it['kind']}, {plain(it['source'])}, "
        f"{plain(it['author'] or 'unknown author')}, {it['knowledge_time']:%Y-%m-%d %H:%M} UTC"
    )
    st.text(it["text"])
