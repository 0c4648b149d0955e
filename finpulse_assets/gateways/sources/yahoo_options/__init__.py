"""Option chains of Yahoo."""
