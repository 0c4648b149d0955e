"""The dbt project inside Dagster: manifest, contracts, documentation."""
