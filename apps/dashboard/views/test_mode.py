"""Test mode: the forecast as of a past session, beside what came."""

from apps.dashboard.signal_view import PAST, show

show("Test mode", "The forecast of a past day: what was known, what was said, what came.", PAST)
