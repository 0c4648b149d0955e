"""Sources of texts and prices: the protocols, and one folder for each vendor or kind."""
