"""The analyst's report: facts read from the home, written, checked, and kept as pages."""
