"""Alerts: collect the facts, judge them, notify once."""
