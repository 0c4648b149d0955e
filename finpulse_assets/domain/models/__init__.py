"""Price models: how one is fitted, what it predicts and explains, and how far it can be believed."""
