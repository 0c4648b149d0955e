"""Scoring StockNet tweets: against a transformers pipeline called text by text, and from the cache.

    python benchmarks/sentiment.py            # both models, then the cache
    python benchmarks/sentiment.py base       # one of: base (BERT-base size), minilm, cache

FinPulse's figures hold all that the op does: reading raw Parquet, normalising, tokenising, the
forward passes, VADER, keeping the scores and writing Parquet. The pipeline does the forward passes
of texts that are normalised already. Models are loaded before. Weights are random where no trained
ones are needed: they cost the same. Peer and FinPulse take turns in one run, because other work on
the machine slows both. The data is not in the repository (licences); FINPULSE_SHARED_DATA names
its folder.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch is loaded

import numpy as np
import polars as pl
from measured import ROOT, verdict

from finpulse_assets.domain.texts.normalise import normalise_text, with_text_hash
from finpulse_assets.gateways.compute.engine import LocalEngine
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.sentiment.baseline import vader_release
from finpulse_assets.gateways.sentiment.classifier import Classifier
from finpulse_assets.gateways.sentiment.encoders import minilm_folder
from finpulse_assets.gateways.sentiment.loading import quiet_transformers
from finpulse_assets.gateways.sentiment.manifest import LABELS, write_manifest
from finpulse_assets.gateways.sentiment.score_store import MODEL_SCORES, VADER_SCORES, ScoreStore
from finpulse_assets.gateways.sentiment.scoring import TextScorer
from finpulse_assets.orchestration.training.text_scoring import score_months
from finpulse_assets.schemas import TEXT_SENTIMENT, TWEETS

ROUNDS, PEERS = 3, 16  # texts a round that the pipeline is given
OURS = {"float32": 64, "bfloat16": 256, "int8": 256}  # texts a round
LEAST = {"bfloat16": 4.0, "int8": 6.0}
CACHE_SECONDS = 3.0
MOST = max(OURS.values())

data = Path(os.environ.get("FINPULSE_SHARED_DATA", ROOT.parent / "shared" / "data"))
stocknet = data / "stocknet_tweets.parquet"


def main() -> None:
    """Run the parts that are asked for and judge their claims."""
    if not stocknet.exists():
        sys.exit(f"skipped: {stocknet} is absent. Hint: set FINPULSE_SHARED_DATA")
    parts = sys.argv[1:] or ["base", "minilm", "cache"]
    claims: dict[str, bool] = {}
    with tempfile.TemporaryDirectory() as folder:
        for part in parts:
            measure = cached if part == "cache" else lambda home, part=part: scored(part, home)
            claims |= measure(Path(folder) / part)
    verdict(claims)


def scored(name: str, home: Path) -> dict[str, bool]:
    """Measure a model in each dtype beside the pipeline, in turns; print and return the claims."""
    model = random_model(name, home / name)
    raw = distinct_texts_of_one_month()
    peer = pipeline_of(model)
    classifiers = {it: Classifier.load(model, device="cpu", dtype=it) for it in OURS}
    spent = {it: np.zeros(2) for it in ("pipeline", *OURS)}
    peer(["warm"])
    for turn in range(ROUNDS):
        part = raw.slice(turn * MOST, MOST)
        texts = by_length([normalise_text(text) for text in part["text"]], PEERS)
        spent["pipeline"] += timed(lambda texts=texts: peer(texts))
        for dtype, classifier in classifiers.items():
            classifier.score(texts[:4])
            lake = lake_of(part.head(OURS[dtype]), home / f"{dtype}-{turn}")
            spent[dtype] += timed(lambda lake=lake, it=classifier: run_op(lake, it))
    counts = {it: ROUNDS * OURS.get(it, PEERS) for it in spent}
    rates = {it: counts[it] / spent[it] for it in spent}
    load = os.getloadavg()[0]
    print(
        f"{name}, {os.cpu_count()} cores, load {load:.1f}: the figures of a loaded machine are low"
    )
    print("                     texts/s   times the pipeline   by CPU time")
    for it, (rate, _) in rates.items():
        times = rates[it] / rates["pipeline"]
        print(f"  {it:<18} {rate:8.1f}   {times[0]:18.1f}   {times[1]:11.1f}")
    return {
        f"{name} in {dtype}: at least {least:.0f} times the pipeline": bool(
            rates[dtype][0] >= least * rates["pipeline"][0]
        )
        for dtype, least in LEAST.items()
    }


def cached(home: Path) -> dict[str, bool]:
    """Measure the op on all of StockNet where every text has its scores already."""
    raw = raw_tweets()
    lake = lake_of(raw, home)
    hashes = raw.select(pl.col("text_hash").unique())
    kept = hashes.with_columns(
        p_positive=0.2, p_negative=0.3, p_neutral=0.5, is_truncated=False, vader_score=0.1
    )
    ScoreStore(home / "scores", "any", MODEL_SCORES).add(kept.select(*MODEL_SCORES))
    ScoreStore(home / "scores", vader_release(), VADER_SCORES).add(kept.select(*VADER_SCORES))
    scorer = TextScorer(home / "scores", "any", LocalEngine(never))
    found = []
    for _ in range(3):  # the best of three: other work on the machine slows some
        shutil.rmtree(lake.root / TEXT_SENTIMENT.name, ignore_errors=True)
        found.append(timed(lambda: score_months(lake, scorer, lake.partitions(TWEETS))))
    wall, cpu = min(found, key=lambda it: it[0])
    rows = lake.scan(TEXT_SENTIMENT).select(pl.len()).collect().item()
    again, _ = timed(lambda: score_months(lake, scorer, lake.partitions(TWEETS)))
    print(
        f"{raw.height:,} tweets, all cached: {rows:,} rows in {wall:.2f} s ({cpu:.2f} s of CPU), "
        f"nothing new {again:.2f} s, {scorer.report.scored} forward passes"
    )
    return {f"{raw.height:,} cached tweets in {CACHE_SECONDS:.0f} s": wall < CACHE_SECONDS}


def raw_tweets() -> pl.DataFrame:
    """Return StockNet as rows of raw/tweets."""
    known = pl.col("created_at").cast(pl.Datetime("us", "UTC"))
    rows = pl.read_parquet(stocknet).select(
        text_id=pl.int_range(pl.len()).cast(pl.String), ticker=pl.col("symbol"), event_time=known,
        knowledge_time=known, session_date=known.dt.date(), text=pl.col("text"),
        author=pl.lit(None, pl.String), is_retweet=pl.lit(False),
        retweet_count=pl.lit(None, pl.Int64), like_count=pl.lit(None, pl.Int64),
        source=pl.lit("files"),
    )  # fmt: skip
    return TWEETS.enforce(with_text_hash(rows))


def distinct_texts_of_one_month() -> pl.DataFrame:
    """Return raw tweets of distinct texts, as many as all rounds take, by chance from July 2015."""
    month = raw_tweets().filter(pl.col("knowledge_time").dt.strftime("%Y-%m") == "2015-07")
    return month.unique("text_hash", maintain_order=True).sample(ROUNDS * MOST, seed=7)


def lake_of(tweets: pl.DataFrame, home: Path) -> Lake:
    """Return a new lake that holds these raw tweets."""
    lake = Lake(home / "lake")
    lake.append(TWEETS, tweets, [])
    return lake


def run_op(lake: Lake, classifier: Classifier) -> None:
    """Do what scored/text_sentiment does."""
    engine = LocalEngine(lambda: classifier)
    scorer = TextScorer(lake.root.parent / "scores", classifier.fingerprint, engine)
    score_months(lake, scorer, lake.partitions(TWEETS))


def random_model(name: str, folder: Path) -> Path:
    """Write the folder of a classifier: BERT-base of random weights, or MiniLM with a new head."""
    import torch
    from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

    torch.manual_seed(7)
    names = {"id2label": dict(enumerate(LABELS)), "label2id": {n: i for i, n in enumerate(LABELS)}}
    if name == "base":
        model = BertForSequenceClassification(BertConfig(**names))
    elif name == "minilm":
        with quiet_transformers():
            model = BertForSequenceClassification.from_pretrained(minilm_folder(), **names)
    else:
        sys.exit(f"{name} is no part; parts are base, minilm and cache")
    with quiet_transformers():
        model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(minilm_folder()).save_pretrained(folder)
    write_manifest(folder)
    return folder


def pipeline_of(folder: Path) -> Callable[[list[str]], None]:
    """Return the peer: a transformers pipeline, called text by text."""
    from transformers import pipeline

    with quiet_transformers():
        made = pipeline("text-classification", model=str(folder), top_k=None, device="cpu")
    return lambda texts: [made(text, truncation=True, max_length=128) for text in texts] and None


def by_length(texts: list[str], count: int) -> list[str]:
    """Return some of the texts, with the lengths of all."""
    return sorted(texts, key=len)[len(texts) // count // 2 :: len(texts) // count][:count]


def timed(call: Callable[[], object]) -> np.ndarray:
    """Return the wall and CPU seconds of a call."""
    wall, cpu = time.perf_counter(), time.process_time()
    call()
    return np.array([time.perf_counter() - wall, time.process_time() - cpu])


def never() -> Classifier:
    raise AssertionError("the model was loaded though every score is kept")


if __name__ == "__main__":
    main()
