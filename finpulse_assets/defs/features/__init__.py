"""Assets and checks of features."""
