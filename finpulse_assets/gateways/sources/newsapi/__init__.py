"""NewsAPI.org."""
