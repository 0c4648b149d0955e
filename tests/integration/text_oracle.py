"""What the marts must say of the texts of a small lake, by brute force."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from statistics import fmean, pstdev, stdev
from types import SimpleNamespace

import polars as pl

from tests.integration.small_lake import KEY

NOTHING = {
    "text_count": 0, "tweet_count": 0, "headline_count": 0, "author_count": 0,
    "trading_signal": 0,
}  # fmt: skip


def messages(lake: SimpleNamespace, as_of: datetime) -> pl.DataFrame:
    """Every text known at `as_of`, in its first version, with its score, in order of knowledge."""
    kinds = [lake.headlines.with_columns(kind=pl.lit("headline")),
             lake.tweets.with_columns(kind=pl.lit("tweet"))]  # fmt: skip
    known = pl.concat(kinds).filter(pl.col("knowledge_time") <= as_of).sort("knowledge_time")
    first = known.unique(["kind", "text_id", "ticker"], keep="first", maintain_order=True)
    score = lake.text_sentiment.unique("text_hash").select("text_hash", "score", "vader_score")
    trait = lake.text_traits.filter("is_counted").drop("first_known_at", "language", "is_counted")
    known = first.join(score, on="text_hash").join(trait, on=["text_hash", "session_date"])
    return known.sort("knowledge_time", "kind", "text_id")


@dataclass
class TextOracle:
    """The texts known at `as_of` by ticker and position of the session.

    `daily` has the features of a session, `scores` those of its distinct texts; both lack a session
    without texts.
    """

    lake: SimpleNamespace
    as_of: datetime
    daily: dict[tuple[str, int], dict[str, object]] = field(default_factory=dict)
    scores: dict[tuple[str, int], list[float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.index = {day: n for n, day in enumerate(self.lake.sessions["session_date"])}
        every = messages(self.lake, self.as_of).sort(KEY, maintain_order=True).rows(named=True)
        said: dict[tuple[str, str], list[int]] = {}
        for (ticker, day), group in groupby(every, key=lambda row: tuple(row[k] for k in KEY)):
            spoken, n = list(group), self.index[day]
            texts = list({row["text_hash"]: row for row in reversed(spoken)}.values())
            self.scores[ticker, n] = [text["score"] for text in texts]
            facts = _opinions(texts, spoken)
            before = [said.setdefault((ticker, text["text_hash"]), []) for text in texts]
            facts["novelty_20d"] = fmean(not any(n - m <= 20 for m in past) for past in before)
            for past in before:
                past.append(n)
            self.daily[ticker, n] = facts

    def daily_sentiment(self) -> pl.DataFrame:
        """Return what fct_daily_sentiment should hold."""
        sessions = self.lake.sessions.select("session_date", "decision_at").rows()
        rows = [
            {"ticker": ticker, "session_date": sessions[n][0], "decision_at": sessions[n][1],
             **facts} for (ticker, n), facts in self.daily.items()
        ]  # fmt: skip
        return pl.DataFrame(rows, infer_schema_length=None).sort(KEY)

    def features(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return the key and the text features of rows of fct_daily_features."""
        keys = [(ticker, self.index[day]) for ticker, day in rows.select(KEY).rows()]
        self.firsts: dict[str, int] = {}
        for ticker, n in [*keys, *self.daily]:
            self.firsts[ticker] = min(n, self.firsts.get(ticker, n))
        self.tickers = sorted({ticker for ticker, _ in self.daily})
        out = [
            {**NOTHING, **self.daily.get(key, {}), **self._history(*key), **self._market(*key)}
            for key in keys
        ]
        found = pl.DataFrame(out, infer_schema_length=None).drop("sentiment_vader_mean")
        return pl.concat([rows.select(KEY), found], how="horizontal")

    def _fact(self, name: str, ticker: str, window: Iterable[int]) -> list:
        """Values of the sessions of a window; those without texts only count texts."""
        found = [self.daily.get((ticker, n), NOTHING).get(name) for n in window]
        return [value for value in found if value is not None]

    def _mean(self, ticker: str, n: int, length: int) -> float | None:
        window = range(n - length + 1, n + 1)
        return _mean([s for m in window for s in self.scores.get((ticker, m), [])])

    def _history(self, ticker: str, n: int) -> dict[str, object]:
        first = self.firsts[ticker]
        window = range(max(first, n - 19), n + 1)
        now = self.daily.get((ticker, n), NOTHING)
        counts, mean = self._fact("text_count", ticker, window), now.get("sentiment_mean")
        out = {f"sentiment_mean_{k}d": self._mean(ticker, n, k) for k in (3, 5, 20)}
        out["sentiment_change_20d"] = _minus(mean, out["sentiment_mean_20d"])
        out["sentiment_zscore_20d"] = _zscore(mean, self._fact("sentiment_mean", ticker, window))
        logs = [math.log(1 + count) for count in counts]
        out["text_count_zscore_20d"] = _zscore(logs[-1], logs)
        for name in ("text_count", "headline_count", "author_count"):
            usual = fmean(self._fact(name, ticker, window))
            out[f"{name}_to_mean_20d"] = now[name] / usual if usual else None
        for name in ("text", "headline"):
            ages = [n - m for m in range(n + 1) if self._fact(f"{name}_count", ticker, [m])[0]]
            out[f"sessions_since_{name}"] = min([*ages, 60])
        for half_life in (1, 3, 5, 10):
            heard = [
                (score, 0.5 ** ((n - m) / half_life))
                for m in range(n - 5 * half_life + 1, n + 1)
                for score in self.scores.get((ticker, m), [])
            ]
            total = sum(weight for _, weight in heard)
            decayed = sum(score * weight for score, weight in heard) / total if heard else None
            out[f"sentiment_decayed_{half_life}d"] = decayed
        return out

    def _market(self, ticker: str, n: int) -> dict[str, object]:
        own = self.daily.get((ticker, n), NOTHING)
        mean, week = own.get("sentiment_mean"), self._mean(ticker, n, 5)
        means = {m: [v for t in self.tickers for v in self._fact("sentiment_mean", t, [m])]
                 for m in range(n - 4, n + 1)}  # fmt: skip
        totals = [sum(self._fact("text_count", t, [m])[0] for t in self.tickers)
                  for m in range(max(0, n - 19), n + 1)]  # fmt: skip
        recent = [fmean(values) for values in means.values() if values]
        weeks = [self._mean(t, n, 5) for t in self.tickers]
        market = _mean(means[n])
        rank = None
        if mean is not None and len(means[n]) > 1:
            below = sum(other < mean - 1e-12 for other in means[n])
            equal = sum(abs(other - mean) <= 1e-12 for other in means[n])
            rank = (below + (equal - 1) / 2) / (len(means[n]) - 1)
        return {
            "market_sentiment_mean": market,
            "market_sentiment_change_5d": _minus(market, _mean(recent)),
            "market_text_count_to_mean_20d": totals[-1] / fmean(totals) if any(totals) else None,
            "sentiment_minus_market": _minus(mean, market),
            "sentiment_rank": rank,
            "sentiment_5d_minus_market": _minus(week, _mean([w for w in weeks if w is not None])),
            "attention_share": own["text_count"] / totals[-1] if totals[-1] else None,
        }


def _opinions(texts: list[dict], spoken: list[dict]) -> dict[str, object]:
    """Facts of the distinct texts of a session and of all messages that carry them."""
    scores = [text["score"] for text in texts]
    kinds = {kind: [t["score"] for t in texts if t["kind"] == kind] for kind in
             ("tweet", "headline")}  # fmt: skip
    bulls, bears = sum(s > 0.2 for s in scores), sum(s < -0.2 for s in scores)
    raw = [m["score"] for m in spoken]
    firsts: dict[tuple[str, int], dict] = {}  # by group of near copies and side
    for m in spoken:
        firsts.setdefault((m["group_hash"], (m["score"] > 0.2) - (m["score"] < -0.2)), m)
    heard = list(firsts.values())
    named = [m["author"] for m in heard]
    voices = [1 / max(1, m["cashtag_count"]) / (named.count(m["author"]) if m["author"] else 1)
              for m in heard]  # fmt: skip
    count, mean = len(texts), fmean(scores)
    quality = count / (count + 5) * (1 - pstdev(scores))
    tweets, headlines = _mean(kinds["tweet"]), _mean(kinds["headline"])
    lean = (bulls - bears) / (bulls + bears) if bulls + bears else None
    return {
        "text_count": count,
        "tweet_count": len(kinds["tweet"]),
        "headline_count": len(kinds["headline"]),
        "author_count": len({m["author"] for m in spoken} - {None}),
        "retweet_share": fmean(m["is_retweet"] for m in spoken),
        "near_copy_share": 1 - len({m["group_hash"] for m in spoken}) / len(spoken),
        "tickers_per_text": fmean(max(1, t["cashtag_count"]) for t in texts),
        "sentiment_raw": fmean(raw),
        "sentiment_weighted": _weighted([m["score"] for m in heard], voices),
        "sentiment_mean": mean,
        "sentiment_std": pstdev(scores),
        "sentiment_max": max(scores),
        "sentiment_min": min(scores),
        "sentiment_certainty": fmean(map(abs, scores)),
        "positive_share": bulls / count,
        "negative_share": bears / count,
        "bullishness": math.log((1 + bulls) / (1 + bears)),
        "sentiment_disagreement": None if lean is None else math.sqrt(1 - lean**2),
        "tweet_sentiment_mean": tweets,
        "headline_sentiment_mean": headlines,
        "headline_minus_tweet_sentiment": _minus(headlines, tweets),
        "signal_strength": abs(sum(scores)) / (count + 5),
        "signal_quality": quality,
        "trading_signal": math.copysign(abs(mean) > 0.2 and quality > 0.3, mean),
        "sentiment_vader_mean": fmean(t["vader_score"] for t in texts),
    }


def _mean(values: list[float]) -> float | None:
    return fmean(values) if values else None


def _weighted(values: list[float], weights: list[float]) -> float:
    return sum(v * w for v, w in zip(values, weights, strict=True)) / sum(weights)


def _minus(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other


def _zscore(value: float | None, history: list[float]) -> float | None:
    if value is None or len(history) < 5 or stdev(history) < 1e-9:
        return None
    return (value - fmean(history)) / stdev(history)
