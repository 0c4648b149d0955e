"""The dashboard's frame: its pages by subject. Started by `finpulse dashboard`."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

PAGES = Path(__file__).parent / "pages"
SECTIONS = {
    "Signals": {"overview": "Overview", "forecast": "Forecast", "test_mode": "Test mode",
                "predictions": "Predictions"},
    "Texts": {"sentiment": "Sentiment", "news": "News", "story": "Story"},
    "Research": {"explore": "Explore", "model": "Model"},
    "Operations": {"data_quality": "Data quality", "drift": "Drift"},
}  # fmt: skip


def main() -> None:
    """Show the page that was chosen."""
    st.set_page_config(page_title="FinPulse", layout="wide", initial_sidebar_state="auto")
    pages = {
        section: [
            st.Page(PAGES / f"{name}.py", title=title, url_path=name, default=name == "overview")
            for name, title in names.items()
        ]
        for section, names in SECTIONS.items()
    }
    st.navigation(pages, expanded=True).run()


main()
