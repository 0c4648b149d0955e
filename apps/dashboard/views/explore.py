"""Explore: volume and polarity, what precedes returns, two features, a family over time."""

import streamlit as st

from apps.dashboard.figures.judgement import correlation_figure, pair_figure
from apps.dashboard.figures.lines import family_figure, market_volume_figure, polarity_figure
from apps.dashboard.parts import begin, chart, none_yet, ticker_choice
from apps.dashboard.snapshot import derived
from apps.dashboard.tables import explore

VIEWS = ("Texts and returns", "Two features", "A family over time")
SPANS = {"a quarter": 63, "a year": 252, "five years": 1260}
LABEL = "return_next_session"
PANELS = 6

ask = begin("Explore", "What texts and features have to do with the next return.")
view = st.segmented_control("View", VIEWS, default=VIEWS[0], required=True)
span = st.segmented_control("Span", list(SPANS), default="a year", required=True)
sessions, units, families = SPANS[span], explore.units(ask), explore.families()


def whose() -> str | None:
    """Return the ticker that the reader wants, None for all of them."""
    return ticker_choice(ask) if st.toggle("One ticker only") else None


if view == VIEWS[0]:
    volume = explore.volume(ask, sessions)
    correlated = derived(explore.correlations, sessions)
    if volume.is_empty():
        none_yet("There is no scored text yet.", "`finpulse run` reads and scores them.")
    else:
        if not correlated.is_empty():
            chart(correlation_figure(correlated), correlated, "correlations")
            st.caption("Ranks are taken within a session; whiskers: 95 % by the scatter over "
                       "sessions. Grey: where unrelated ranks end up in 95 of 100 cases. With "
                       f"{correlated.height} features at once one may pass by chance.")  # fmt: skip
        chart(market_volume_figure(volume), volume, "text_volume")
        chart(polarity_figure(volume), volume, "polarity")
elif view == VIEWS[1]:
    names = [name for family in families.values() for name in family]
    left, right = st.columns(2)
    x = left.selectbox("Horizontal", names, index=names.index("sentiment_mean"))
    y = right.selectbox("Vertical", [LABEL, *names])
    ticker = whose()
    points = explore.pairs(ask, x, y, ticker)
    if points.is_empty():
        none_yet("No row has both values.", "Choose others.")
    else:
        means = explore.pair_means(ask, x, y, ticker)
        chart(pair_figure(points, means, x, y, units), means, f"{x}_{y}")
        st.caption(f"All sessions; at most {explore.POINTS:,} rows are drawn, the means are of "
                   "all. Whiskers: 95 %, each session counted once.")  # fmt: skip
else:
    family = st.selectbox("Family", list(families))
    shown = st.multiselect("Features", families[family], default=families[family][:4],
                           max_selections=PANELS)  # fmt: skip
    ticker = whose()
    if shown:
        rows = explore.family_over_time(ask, shown, ticker, sessions)
        chart(family_figure(family, rows, units, ticker or "median of all tickers"), rows,
              f"family_{family}")  # fmt: skip
