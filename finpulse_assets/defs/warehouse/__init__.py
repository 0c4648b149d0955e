"""The dbt models and tests as assets and checks."""
