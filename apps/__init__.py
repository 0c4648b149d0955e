"""Applications on top of the platform: they read what it publishes, and write nothing."""
