"""One run: its clock, home, resources, IO and tracking."""
