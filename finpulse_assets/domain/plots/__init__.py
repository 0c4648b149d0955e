"""Pictures as PNG bytes, in one style."""
