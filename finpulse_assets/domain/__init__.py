"""Logic: frames in, frames out; no file, no network, no clock, no Dagster."""
