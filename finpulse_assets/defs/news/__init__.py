"""Assets of texts."""
