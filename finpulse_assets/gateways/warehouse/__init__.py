"""Reading the DuckDB file that dbt writes, and replaying its SQL in memory."""
