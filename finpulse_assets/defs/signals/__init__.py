"""The signals."""
