"""Texts: normalised, hashed, and set beside their scores."""
