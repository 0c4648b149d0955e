"""The dev figures of a way of training, on PhraseBank, Twitter Financial News and FiQA.

    python benchmarks/sentiment_quality.py [head|top-layers|full]

The data is not in the repository (licences); FINPULSE_SHARED_DATA names its folder.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

import polars as pl
from measured import ROOT, verdict

from finpulse_assets.gateways.sentiment.leaderboard import leaderboard
from finpulse_assets.gateways.sentiment.modes import HEAD, TOP_LAYERS
from finpulse_assets.orchestration.training.labelled_sets import labelled_sets, sets_table
from finpulse_assets.orchestration.training.sentiment_leaderboard import contenders, shown
from finpulse_assets.orchestration.training.sentiment_model import (
    make_sentiment_model,
)
from finpulse_assets.settings import load_settings

AIMS = {
    HEAD: {"Financial PhraseBank": 0.80, "Twitter Financial News": 0.85, "FiQA": 0.70},
    TOP_LAYERS: {"Financial PhraseBank": 0.86, "Twitter Financial News": 0.88, "FiQA": 0.75},
}

mode = sys.argv[1] if len(sys.argv) > 1 else HEAD
data = Path(os.environ.get("FINPULSE_SHARED_DATA", ROOT.parent / "shared" / "data"))
paths = tuple(data / f"{name}.parquet" for name in ("phrasebank", "tfns_train", "fiqa_task1_train"))
if absent := [path.name for path in paths if not path.exists()]:
    sys.exit(f"skipped: {', '.join(absent)} not in {data}. Hint: set FINPULSE_SHARED_DATA")
with tempfile.TemporaryDirectory() as home:
    settings = load_settings(
        home=Path(home), sentiment_model="minilm", sentiment_training=mode,
        labelled_texts_path=paths,
    )  # fmt: skip
    sets = labelled_sets(settings)
    started = time.process_time()
    model = make_sentiment_model(settings, sets)
    seconds = time.process_time() - started
    rows, rates = leaderboard(list(contenders(settings)), sets)
with pl.Config(tbl_formatting="ASCII_MARKDOWN", tbl_hide_column_data_types=True,
               tbl_hide_dataframe_shape=True, tbl_width_chars=250, fmt_str_lengths=60,
               tbl_cols=-1, tbl_rows=-1):  # fmt: skip
    print(sets_table(sets))
    print(shown(rows, rates))
print(f"{mode}: {seconds:.0f} s of CPU, accuracy of dev by epoch, before calibration: "
      f"{', '.join(f'{it:.3f}' for it in model.training['quality_by_epoch'])}")  # fmt: skip
for kind, own in model.training["calibration"].items():
    print(f"{kind}: {own}")
best = rows.filter(metric="weighted_f1", model=model.folder.name)
found = dict(best.select("labelled_set", "value").iter_rows())
verdict({f"{name} at {aim:.2f}: {found[name]:.3f}": found[name] >= aim
         for name, aim in AIMS.get(mode, AIMS[TOP_LAYERS]).items()})  # fmt: skip
