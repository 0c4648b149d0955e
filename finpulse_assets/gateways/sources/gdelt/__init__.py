"""GDELT."""
