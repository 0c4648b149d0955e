"""Where alerts go (Apprise) and where their state is kept."""
