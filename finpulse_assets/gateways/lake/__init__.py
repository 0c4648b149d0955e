"""The Parquet lake, and frames written as a stream."""
