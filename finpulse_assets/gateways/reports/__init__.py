"""Pages made by other tools, on figures that FinPulse decided."""
