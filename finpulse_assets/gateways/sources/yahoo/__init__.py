"""Yahoo Finance as a source."""
