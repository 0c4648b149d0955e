"""Sources on disk: Parquet, CSV and NDJSON in the shapes that people download."""
