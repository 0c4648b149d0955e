"""Drift, freshness checks, schedule and sensors."""
