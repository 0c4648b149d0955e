"""Data quality: rows, refused rows, missing and outlying values, coverage, late deliveries."""

import streamlit as st

from apps.dashboard.figures.judgement import calendar_figure, profile_figure
from apps.dashboard.figures.lines import stacked_figure
from apps.dashboard.parts import begin, behind, chart, none_yet, plain, rows
from apps.dashboard.tables import platform
from apps.dashboard.theme import ACCENT, DOWN

ask = begin("Data quality", "What sources delivered, what was refused, what is missing or late.")

requests = platform.requests(ask)
if requests.is_empty():
    none_yet("No source was asked yet.", "`finpulse run` asks them.")
else:
    bad = requests.filter(requests["status"] != "answered").height
    st.markdown(f"**{bad} of the {requests.height} last requests were not answered whole**" if bad
                else f"**All {requests.height} last requests were answered whole**")  # fmt: skip
    for it in requests.filter(requests["problem"].is_not_null()).iter_rows(named=True):
        st.warning(plain(f"{it['source']}, {it['kind']}: {it['problem']}"))
    behind(requests, "requests", "Last requests")
    runs = platform.refused_by_run(ask).with_columns(
        run=platform.RUN, accepted_rows=platform.ACCEPTED
    )
    refused, late = runs["refused_rows"].sum(), runs["late_rows"].sum()
    chart(stacked_figure(
        runs, "run",
        (("accepted_rows", "accepted", ACCENT),
         ("refused_rows", "refused", DOWN)),
        title=f"{refused:,} rows were refused and {late:,} came late in the last runs", y="rows",
        axis="run, as-of time UTC",
    ), runs, "deliveries")  # fmt: skip

st.header("Refused rows", anchor=False)
refusals = platform.refusals(ask)
if refusals.is_empty():
    st.write("No row stands in the quarantine.")
else:
    rows(refusals)

st.header("Coverage", anchor=False)
pairs = list(platform.covered(ask).iter_rows())
if pairs:
    kind, source = st.selectbox("Rows of", pairs, format_func=lambda it: f"{it[0]} of {it[1]}")
    days = platform.coverage(ask, kind, source)
    if days.is_empty():
        none_yet(f"{source} has delivered no {kind}.", "")
    else:
        chart(calendar_figure(days, f"{kind} of {source}"), days, f"coverage_{kind}_{source}")
        if kind == "bars_1m":
            st.caption("The snapshot holds the last 20 sessions of minute bars.")

st.header("Late texts", anchor=False)
st.caption("Of the last 90 days: known only after the session that they were written for.")
rows(platform.late_texts(ask))

st.header("Feature values", anchor=False)
profile = platform.feature_profile(ask)
if profile.is_empty():
    none_yet("There is no profile of features yet.", "`finpulse run` makes it.")
else:
    chart(profile_figure(profile), profile, "feature_profile")

st.header("Rows by table", anchor=False)
rows(platform.snapshot_rows(ask))
