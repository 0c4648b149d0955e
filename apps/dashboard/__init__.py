"""The dashboard: Streamlit pages on the analysts' snapshot and the prediction service."""
