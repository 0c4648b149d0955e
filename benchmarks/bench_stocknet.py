"""StockNet (92,232 tweets, 87 tickers) with MiniLM: from nothing, and again with nothing new.

The data is not in the repository (licences); FINPULSE_SHARED_DATA names its folder.
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from measured import ROOT, finpulse, verdict

LIMIT_SECONDS, LIMIT_AGAIN = 720, 60

data = Path(os.environ.get("FINPULSE_SHARED_DATA", ROOT.parent / "shared" / "data"))
tweets, prices = data / "stocknet_tweets.parquet", data / "stocknet_prices.parquet"
if not tweets.exists():
    sys.exit(f"skipped: {tweets} is absent. Hint: set FINPULSE_SHARED_DATA")


def stored_scores(home: Path) -> int:
    """Return how many scores of texts the home has stored."""
    count = 0
    for file in home.rglob("models/scores/*.sqlite"):
        with closing(sqlite3.connect(file)) as connection:
            tables = connection.execute("select name from sqlite_master where type = 'table'")
            for (table,) in tables.fetchall():
                count += connection.execute(f"select count(*) from {table}").fetchone()[0]  # noqa: S608
    return count


arguments = [
    "run", "--profile", "files", "--tweets", str(tweets), "--prices", str(prices), "--json",
]  # fmt: skip
settings = {"FINPULSE_SENTIMENT_MODEL": "minilm", "FINPULSE_PUBLISH": "false"}
with tempfile.TemporaryDirectory() as folder:
    home = Path(folder)
    first = finpulse(arguments, home, settings)
    stored = stored_scores(home)
    again = finpulse(arguments, home, settings)
    added = stored_scores(home) - stored
steps = json.loads(first.stdout)["run"]["steps"]
scoring = steps["scored__text_sentiment"]
print(
    f"from nothing   {first.seconds:6.1f} s  {first.peak_gb:5.2f} GB peak, scoring {scoring:.1f} s"
)
print(f"nothing new    {again.seconds:6.1f} s  {again.peak_gb:5.2f} GB peak, {added} scores added")
print(f"ratio          {first.seconds / again.seconds:6.2f}")
same = json.loads(first.stdout)["signals"] == json.loads(again.stdout)["signals"]
verdict(
    {
        f"from nothing in {LIMIT_SECONDS} s": first.seconds <= LIMIT_SECONDS,
        f"again in {LIMIT_AGAIN} s": again.seconds <= LIMIT_AGAIN,
        "no forward pass when nothing is new": stored > 0 and added == 0,
        "the same signals again": same,
    }
)
