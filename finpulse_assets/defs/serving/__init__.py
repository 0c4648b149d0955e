"""What analysts and services read."""
