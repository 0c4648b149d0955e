"""The dashboard: Streamlit pages on the analysts' snapshot and the prediction service."""

from pathlib import Path


def app_folder() -> Path:
    """Return the folder of the dashboard's files."""
    return Path(__file__).parent
