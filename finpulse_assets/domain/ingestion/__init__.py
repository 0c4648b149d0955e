"""What a source delivered becomes rows: refused, repeated, late or new, and when we had them."""
