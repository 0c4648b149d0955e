"""The simulated market as a source."""
