"""Assets and checks of price models."""
