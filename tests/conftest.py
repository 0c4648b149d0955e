"""What every test shares: property tests draw the same examples in every run."""

from hypothesis import settings

settings.register_profile("finpulse", derandomize=True, deadline=None, print_blob=False)
settings.load_profile("finpulse")
