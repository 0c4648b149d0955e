"""What starts a run without a person, and how old an asset may get."""
