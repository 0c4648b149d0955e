"""The formulas, one file a family; each feature is declared beside the function that makes it."""
