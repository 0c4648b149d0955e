"""Finnhub."""
