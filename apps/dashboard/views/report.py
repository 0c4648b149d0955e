"""Report: what the analyst's reports say, with everything that they may say."""

import streamlit as st

from apps.dashboard.parts import begin, behind, none_yet
from apps.dashboard.snapshot import root
from finpulse_assets.gateways.reports.analyst_folder import kept_reports

begin("Report", "Signals in words; every number in them was checked against the tables.")
kept = {it.name: it for it in kept_reports(root())}
if not kept:
    none_yet("No report is kept yet.", "`finpulse run` writes three, `finpulse report TICKER` one.")
    st.stop()
held = st.session_state.get("ticker")
own = next((name for name in kept if held and name.startswith(f"{held}-20")), None)
chosen = st.selectbox("Report", list(kept), index=list(kept).index(own) if own else 0)
report = kept[chosen]
st.html(report.body)
st.download_button("Download HTML", report.html, f"{chosen}.html", "text/html", on_click="ignore")
behind(report.facts(), f"{chosen}-facts", "Facts behind it")
