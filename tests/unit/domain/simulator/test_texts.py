"""Simulated texts keep their session, repeat each other as real ones do, and carry opinions."""

from __future__ import annotations

import math
from collections import Counter
from datetime import date
from itertools import pairwise

import polars as pl
import pytest

from finpulse_assets.domain.calendar import assign_sessions
from finpulse_assets.domain.simulator import MarketPlan, SimulatedMarket, simulate
from finpulse_assets.domain.simulator.vocabulary import BOTS
from finpulse_assets.domain.texts.normalise import normalise_text, with_text_hash
from finpulse_assets.schemas import HEADLINES, TWEETS
from tests.unit.domain.simulator.simulated_markets import (
    PLAN,
    SESSIONS,
    shared_market,
    shared_tweets,
    slope,
    until,
    with_next_return,
)


@pytest.fixture
def market() -> SimulatedMarket:
    return shared_market()


@pytest.fixture
def tweets() -> pl.DataFrame:
    return shared_tweets()


class TestTexts:
    def test_texts_keep_the_contract_in_their_own_session(
        self, market: SimulatedMarket, tweets: pl.DataFrame
    ) -> None:
        headlines = assign_sessions(with_text_hash(market.headlines), SESSIONS)
        for table, frame in ((TWEETS, tweets), (HEADLINES, headlines)):
            kept = table.enforce(frame)
            written = kept["text_id"].str.slice(1, 8).str.to_date("%Y%m%d")
            assert (written == kept["session_date"]).all()
            assert (kept["event_time"] <= kept["knowledge_time"]).all()
            assert set(kept["ticker"]) <= set(market.tickers["ticker"])
            assert not kept["text"].str.contains(r"[{}]").any()
            assert kept["text"].str.len_chars().max() < 400
        assert headlines["retweet_count"].null_count() == headlines.height

    def test_the_means_are_those_of_the_plan(self, market: SimulatedMarket) -> None:
        sessions = market.truth.height
        assert market.tweets.height / sessions == pytest.approx(PLAN.texts_per_session, rel=0.05)
        expected = PLAN.headlines_per_session
        assert market.headlines.height / sessions == pytest.approx(expected, rel=0.1)

    def test_one_text_id_is_one_text(self, tweets: pl.DataFrame) -> None:
        by_id = tweets.group_by("text_id").agg(
            pl.col("text").n_unique(), pl.col("author").n_unique(), pl.len()
        )
        assert by_id["text"].max() == by_id["author"].max() == 1
        pairs = tweets.filter(pl.col("text_id").is_duplicated())
        assert set(by_id["len"]) == {1, 2}
        assert 0.01 < pairs.height / 2 / tweets.height < 0.05
        named = pairs.group_by("text_id").agg(pl.col("ticker"), pl.col("text").first())
        cashtags = [sum(f"${t}" in text for t in two) for _, two, text in named.rows()]
        assert min(cashtags) >= 1

    def test_retweets_repeat_what_was_said_before(self, tweets: pl.DataFrame) -> None:
        retweets = tweets.filter("is_retweet")
        assert 0.1 < retweets.height / tweets.height < 0.25
        assert retweets["text"].str.contains(r"^RT @\w+: ").all()
        assert (retweets["retweet_count"] >= 1).all()
        assert tweets["retweet_count"].max() > 50
        assert tweets["retweet_count"].min() == tweets["like_count"].min() == 0
        quoted = retweets.with_columns(author=pl.col("text").str.extract(r"^RT @(\w+): "))
        rows = quoted.join(
            tweets.filter(~pl.col("is_retweet")),
            on=["ticker", "session_date", "text_hash", "author"],
        )
        assert rows.height / retweets.height > 0.15
        assert (rows["event_time"] >= rows["event_time_right"]).all()

    def test_bots_post_one_advert_to_many_tickers(self, tweets: pl.DataFrame) -> None:
        posts = tweets.filter(pl.col("author").is_in(BOTS)).with_columns(
            advert=pl.col("text").str.replace(r"\$[A-Z-]+", "$T")
        )
        assert 0.02 < posts.height / tweets.height < 0.06
        spread = posts.group_by("advert").agg(pl.col("ticker").n_unique())["ticker"]
        assert set(spread) == {8}

    def test_near_copies_differ_in_their_decoration_alone(self, tweets: pl.DataFrame) -> None:
        plain = tweets.filter(~pl.col("is_retweet") & pl.col("text").str.len_chars().gt(40))
        letters = pl.col("text").str.slice(12, 25)
        groups = plain.group_by("ticker", "session_date", letters.alias("middle")).agg(
            pl.col("text").n_unique(), pl.col("text_id").n_unique()
        )
        assert groups.filter((pl.col("text") > 1) & (pl.col("text_id") > 1)).height > 100

    def test_some_come_late_at_night_and_at_weekends(self, tweets: pl.DataFrame) -> None:
        minutes = (tweets["knowledge_time"] - tweets["event_time"]).dt.total_seconds() / 60
        late = minutes.filter(minutes >= 5)
        assert 0.012 < len(late) / len(minutes) < 0.03
        assert late.min() < 30
        assert 24 * 60 < late.max() <= 3 * 24 * 60 + 1
        rows = tweets.join(SESSIONS, on="session_date")
        in_hours = rows.select(pl.col("event_time").is_between("open_at", "close_at").mean()).item()
        assert 0.55 < in_hours < 0.8
        new_york = tweets["event_time"].dt.convert_time_zone("America/New_York")
        assert 0.02 < (new_york.dt.weekday() > 5).mean() < 0.2
        assert set(new_york.dt.hour()) == set(range(24))

    def test_one_company_alone_and_no_texts_at_all(self) -> None:
        sessions = until(date(2018, 4, 30))
        alone = simulate(MarketPlan(ticker_count=1, session_count=60), sessions)
        assert alone.tickers["ticker"].to_list() == ["ALDA"]
        assert not alone.tweets["text_id"].is_duplicated().any()
        plan = MarketPlan(session_count=5, texts_per_session=0, headlines_per_session=0)
        silent = simulate(plan, sessions)
        assert silent.tweets.is_empty()
        assert silent.tweets.schema == alone.tweets.schema
        assert silent.headlines.schema == alone.headlines.schema
        assert silent.prices.height == 12 * 5


class Words:
    """A naive Bayes classifier, small enough to read: the floor of what texts can tell."""

    def __init__(self, labelled: pl.DataFrame) -> None:
        self.counts = {label: Counter() for label in ("positive", "negative", "neutral")}
        for text, label in labelled.rows():
            self.counts[label].update(self.tokens(text))
        self.totals = {label: sum(words.values()) for label, words in self.counts.items()}

    @staticmethod
    def tokens(text: str) -> list[str]:
        words = normalise_text(text).lower().split()
        return words + [f"{a} {b}" for a, b in pairwise(words)]

    def scores(self, text: str) -> dict[str, float]:
        tokens = self.tokens(text)
        return {
            label: sum(math.log((words[t] + 0.1) / (self.totals[label] + 3000)) for t in tokens)
            for label, words in self.counts.items()
        }

    def label(self, text: str) -> str:
        scores = self.scores(text)
        return max(scores, key=scores.__getitem__)


class TestStance:
    def test_labelled_texts_are_balanced_distinct_and_apart_from_the_market(
        self, market: SimulatedMarket
    ) -> None:
        labelled = market.labelled_texts
        assert labelled.columns == ["text", "label"]
        assert labelled["text"].n_unique() == 3000 == labelled.height
        shares = labelled["label"].value_counts(normalize=True)
        assert shares["proportion"].is_between(0.3, 0.37).all()
        assert set(shares["label"]) == {"positive", "negative", "neutral"}
        other = simulate(MarketPlan(ticker_count=2, session_count=3, effect=0), SESSIONS)
        assert other.labelled_texts.equals(labelled)

    def test_stance_is_learnable_but_not_trivial(self, market: SimulatedMarket) -> None:
        train, test = market.labelled_texts[:2000], market.labelled_texts[2000:]
        words = Words(train)
        hits = [words.label(text) == label for text, label in test.rows()]
        assert 0.82 < sum(hits) / len(hits) < 0.96

    def test_texts_carry_the_opinion_of_their_session(
        self, market: SimulatedMarket, tweets: pl.DataFrame
    ) -> None:
        words = Words(market.labelled_texts)
        sample = tweets.filter(~pl.col("author").is_in(BOTS))[::4]
        stance = {"positive": 1, "negative": -1, "neutral": 0}
        rows = sample.select("ticker", "session_date").with_columns(
            stance=pl.Series([stance[words.label(text)] for text in sample["text"]])
        )
        rows = rows.join(market.truth, on=["ticker", "session_date"]).sort("ticker", "session_date")
        assert 0.3 < (rows["stance"] == 0).mean() < 0.55
        assert 0.35 < rows.select(pl.corr("stance", "opinion")).item() < 0.7
        following = with_next_return(market).select("ticker", "session_date", "z")
        traded = rows.join(following, on=["ticker", "session_date"])
        estimate, error = slope(traded["stance"], traded["z"])
        assert estimate > 4 * error
