"""The dashboard's frame: its pages by subject. Started by `finpulse dashboard`."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from apps.dashboard.parts import plain
from finpulse_assets.errors import FinPulseError

# Not named pages: Streamlit would show each file there by itself, without this frame.
VIEWS = Path(__file__).parent / "views"
SECTIONS = {
    "Signals": {"overview": "Overview", "forecast": "Forecast", "test_mode": "Test mode",
                "predictions": "Predictions", "report": "Report"},
    "Texts": {"sentiment": "Sentiment", "news": "News", "story": "Story"},
    "Research": {"explore": "Explore", "model": "Model"},
    "Operations": {"data_quality": "Data quality", "drift": "Drift"},
}  # fmt: skip
# Lines that can be read on a wide screen, no empty third at the top, and pictures that fit a phone.
STYLE = """<style>
[data-testid="stMainBlockContainer"] { max-width: 1180px; padding-top: 3.2rem; }
[data-testid="stHtml"] figure { margin: 0; }
[data-testid="stHtml"] img { max-width: 100%; background: #fff; }
</style>"""


def main() -> None:
    """Show the page that was chosen."""
    st.set_page_config(page_title="FinPulse", layout="wide", initial_sidebar_state="auto")
    pages = {
        section: [
            st.Page(VIEWS / f"{name}.py", title=title, url_path=name, default=name == "overview")
            for name, title in names.items()
        ]
        for section, names in SECTIONS.items()
    }
    st.html(STYLE)
    page = st.navigation(pages, expanded=True)
    try:
        page.run()
    except FinPulseError as error:  # of a snapshot that an older version published, above all
        st.error(f"{plain(str(error))} `finpulse run` publishes a snapshot anew.")


main()
