"""What a source delivered becomes rows: refused, repeated, late or new, with the time we had them."""
