"""FinPulse: raw tweets, news and prices to evaluated next-session stock signals."""

import os

# Threads of torch and LightGBM must not spin while they wait: 30 times slower on a busy machine.
# Read when those libraries are loaded, so it stands before every import, whoever loads the graph.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

__version__ = "0.1.0"
