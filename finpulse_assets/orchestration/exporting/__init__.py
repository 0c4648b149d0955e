"""The numbers that ops watch, collected from a home and its Dagster instance."""
