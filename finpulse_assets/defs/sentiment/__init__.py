"""The sentiment model and the scores."""
