"""The DuckDB file for analysts: written beside, renamed into place, read while runs write."""
