"""How settings shape the sentiment model and the training of price models."""
