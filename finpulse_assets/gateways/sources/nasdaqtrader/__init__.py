"""Nasdaq Trader."""
