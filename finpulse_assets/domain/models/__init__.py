"""Price models: how one is fitted, what it predicts and explains, how far it can be believed."""
