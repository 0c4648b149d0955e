"""News: texts with a preview, the whole text on demand, filters and search."""

from datetime import timedelta

import streamlit as st

from apps.dashboard.parts import begin, behind, none_yet, plain
from apps.dashboard.tables import texts

PAGE, PREVIEW = 25, 200

ask = begin("News", "Tweets and headlines as they were known, the newest first.")
reach = texts.reach(ask)
if reach is None:
    none_yet("There is no text yet.", "`finpulse run` brings them.")
    st.stop()
first, last = reach
with st.form("filters"):
    words = st.text_input("Search", placeholder="words that the text contains")
    left, right = st.columns(2)
    tickers = left.multiselect("Tickers", ask(
        "select distinct ticker from tickers order by ticker")["ticker"].to_list())  # fmt: skip
    sources = right.multiselect("Sources", texts.text_sources(ask))
    kinds = left.multiselect("Kinds", ["tweet", "headline"])
    side = right.selectbox("Sentiment", list(texts.SIDES))
    start = left.date_input("From session", max(first, last - timedelta(days=30)),
                            min_value=first, max_value=last)  # fmt: skip
    end = right.date_input("To session", last, min_value=first, max_value=last)
    st.form_submit_button("Show")
page = st.number_input("Page", min_value=1, value=1, step=1)
found = texts.news(
    ask, first=start, last=end, tickers=tickers, kinds=kinds, sources=sources, side=side,
    words=words, limit=PAGE, offset=PAGE * (page - 1),
)  # fmt: skip
if found.is_empty():
    none_yet("No text passes these filters.", "Take a longer time, or drop a filter.")
    st.stop()
total = found["total"][0]
st.caption(f"{total:,} texts; {PAGE * (page - 1) + 1:,} to {PAGE * (page - 1) + found.height:,} "
           f"are shown.")  # fmt: skip
for at, it in enumerate(found.iter_rows(named=True)):
    score = "no score" if it["score"] is None else f"{it['score']:+.2f}"
    text = it["text"]
    preview = text if len(text) <= PREVIEW else text[:PREVIEW] + "…"
    with st.container(border=True, key=f"text {page} {at}"):
        st.markdown(
            f"**{plain(it['ticker'])}** {plain(score)}, {it['kind']}, {plain(it['source'])}, "
            f"{plain(it['author'] or 'unknown author')}, "
            f"{it['knowledge_time']:%Y-%m-%d %H:%M} UTC"
        )
        st.text(preview)
        if len(text) > PREVIEW:
            with st.expander("Whole text"):
                st.text(text)
behind(found.drop("total"), "news", "These texts")
