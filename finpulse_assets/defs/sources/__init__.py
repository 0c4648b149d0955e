"""One asset for each source of the list."""
