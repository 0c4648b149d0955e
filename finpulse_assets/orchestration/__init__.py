"""Dagster machinery that is no definition: resources, IO, translators, conditions."""
