"""What a model says about sessions, as rows."""
