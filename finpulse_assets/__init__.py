"""FinPulse: raw tweets, news and prices to evaluated next-session stock signals."""

__version__ = "0.1.0"
