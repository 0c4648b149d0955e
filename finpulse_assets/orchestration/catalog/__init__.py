"""What every asset shows: metadata, the data dictionary, the feature page, the snapshot's contents."""
