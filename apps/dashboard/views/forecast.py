"""Forecast: a ticker's known closes, what is expected of the next session, and why."""

from apps.dashboard.signal_view import NEXT, show

show("Forecast", "What is known of a ticker, what is expected of the next session, and why.", NEXT)
