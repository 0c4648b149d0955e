"""Stooq."""
