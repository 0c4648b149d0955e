"""What every asset shows: metadata, data dictionary, feature page, contents of the snapshot."""
