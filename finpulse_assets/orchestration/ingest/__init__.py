"""What every raw asset does with a delivery."""
