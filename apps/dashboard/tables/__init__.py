"""What the pages show, as SQL on the snapshot: rows are aggregated before they leave it."""
