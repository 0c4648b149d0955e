"""The leak audit on a deployment's own raw tables."""
