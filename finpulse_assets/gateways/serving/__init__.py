"""The bundle a service starts from, and the Bentos built around it."""
