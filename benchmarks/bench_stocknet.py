"""StockNet (92,232 tweets, 87 tickers) with MiniLM: from nothing, and again with nothing new.

The data is not in the repository (licences); FINPULSE_SHARED_DATA names its folder.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

from measured import ROOT, finpulse, verdict

LIMIT_SECONDS, LIMIT_AGAIN = 720, 60

data = Path(os.environ.get("FINPULSE_SHARED_DATA", ROOT.parent / "shared" / "data"))
tweets, prices = data / "stocknet_tweets.parquet", data / "stocknet_prices.parquet"
if not tweets.exists():
    sys.exit(f"skipped: {tweets} is absent. Hint: set FINPULSE_SHARED_DATA")

arguments = [
    "run", "--profile", "files", "--tweets", str(tweets), "--prices", str(prices), "--json",
]  # fmt: skip
settings = {"FINPULSE_SENTIMENT_MODEL": "minilm", "FINPULSE_PUBLISH": "false"}
with tempfile.TemporaryDirectory() as folder:
    home = Path(folder)
    first = finpulse(arguments, home, settings)
    stored = len(list(home.rglob("models/scores/*/*.parquet")))
    again = finpulse(arguments, home, settings)
    added = len(list(home.rglob("models/scores/*/*.parquet"))) - stored
steps = json.loads(first.stdout)["run"]["steps"]
scoring = steps["scored__text_sentiment"]
print(
    f"from nothing   {first.seconds:6.1f} s  {first.peak_gb:5.2f} GB peak, scoring {scoring:.1f} s"
)
print(f"nothing new    {again.seconds:6.1f} s  {again.peak_gb:5.2f} GB peak, {added} score files")
print(f"ratio          {first.seconds / again.seconds:6.2f}")
same = json.loads(first.stdout)["signals"] == json.loads(again.stdout)["signals"]
verdict(
    {
        f"from nothing in {LIMIT_SECONDS} s": first.seconds <= LIMIT_SECONDS,
        f"again in {LIMIT_AGAIN} s": again.seconds <= LIMIT_AGAIN,
        "no forward pass when nothing is new": added == 0,
        "the same signals again": same,
    }
)
