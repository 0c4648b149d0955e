"""Dagster definitions, one folder a stage; each body reads, calls the domain and returns."""
