"""Overview: what is fresh, the champion, the strongest signals, open alerts."""

import streamlit as st

from apps.dashboard.alerts import open_alerts
from apps.dashboard.figures.signals import strongest_figure
from apps.dashboard.parts import begin, chart, facts, none_yet, plain, rows
from apps.dashboard.snapshot import root
from apps.dashboard.tables import platform, signals
from finpulse_assets.errors import FinPulseError
from finpulse_assets.gateways.clock import system_now

ask = begin("Overview", "What is known, who predicts, and what is expected of the next session.")

published, champion = platform.published(ask), platform.champion(ask)
now, calendar_end = system_now(), platform.calendar_end(ask)
fresh = platform.freshness(ask, now)
behind = fresh.filter(table_name="chosen_prices")["sessions_behind"][0]
if behind is None:
    lag = "no bar"
else:  # past the end of the calendar sessions cannot be counted
    lag = (
        f"{behind} sessions" if calendar_end and now <= calendar_end else f"over {behind} sessions"
    )
try:
    alerts, problem = open_alerts(root()), ""
except FinPulseError as error:
    alerts, problem = None, str(error)

told = [
    ("Data as of", f"{published['as_of']:%Y-%m-%d}", f"{published['as_of']:%H:%M} UTC"),
    ("Prices behind", lag, "by the clock now"),
    ("Proven skills", str(len((champion or {}).get("champion_skills", "").split(", ")))
     if champion and champion["champion_skills"] else "none",
     champion["champion_skills"] if champion else "no model yet"),
    ("Open alerts", "unknown" if alerts is None else str(alerts.height),
     "as last noted"),
]  # fmt: skip
facts(told)

strongest = signals.strongest(ask)
if strongest.is_empty():
    none_yet("There is no signal yet.", "`finpulse run` makes those of the next session.")
else:
    chart(strongest_figure(strongest), strongest, "strongest_signals")
    st.caption("Grey: the model abstains; the page Forecast says why. Not investment advice.")

st.header("Alerts", anchor=False)
if problem:
    st.error(plain(problem))
elif alerts.is_empty():
    st.write("No alert is open.")
else:
    rows(alerts, runbook=st.column_config.LinkColumn(display_text="open"))

st.header("Champion", anchor=False)
if champion is None:
    none_yet("No model was promoted yet.", "`finpulse run` fits and judges the candidates.")
else:
    st.write(f"`{champion['champion_id']}`, decided on {champion['decided_at']:%Y-%m-%d}:")
    for reason in champion["reasons"].splitlines():
        st.markdown(f"- {plain(reason)}")

st.header("Freshness", anchor=False)
st.caption("Sessions behind are counted by the clock now; a weekend makes nothing stale.")
rows(fresh)
st.caption(
    f"Snapshot {published['snapshot_id']}, published {published['published_at']:%Y-%m-%d %H:%M} "
    f"UTC by FinPulse {published['finpulse_version']}."
)
