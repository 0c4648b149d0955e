"""Text: what people wrote about a ticker until the decision.

The definitions of the family. dbt computes them, because they join texts, scores and sessions:
`DAILY` in int_daily_sentiment.sql, `HISTORY` in int_text_windows.sql, `MARKET` in
int_text_market.sql, `RELATIVE` in fct_daily_features.sql.

A text counts for the first session whose decision time is later than its knowledge time. Equal
words are one text of a ticker and session, under the kind and author that had them first; a score
is p_positive - p_negative of a text. `weight` is a column of int_texts_scored: an author has one
voice in a ticker and session, and so have near copies of one opinion. Near copies are those of the
14 days before. A window counts sessions of the exchange from the ticker's first bar or text on. The
deviation of a session's scores is that of a population, one over sessions that of a sample, as in
the family `volume`.
"""

from __future__ import annotations

from functools import partial

from finpulse_assets.domain.features.feature import Feature

WITH_COPIES = 11  # sessions of 14 days and this one
NO_TEXT = "the session has no text"
_NO_WINDOW = "the window has no text"
_NO_MARKET = "no ticker has a text"

# `undefined` says when a value is null; without texts that is an ordinary state.
_feature = partial(
    Feature, family="text", inputs=("scored texts",), lookback=1, clocks=("session",),
    undefined=NO_TEXT, sparse=True,
)  # fmt: skip
_always = partial(_feature, undefined="", sparse=False)


def _mean(sessions: int) -> Feature:
    return _feature(
        name=f"sentiment_mean_{sessions}d", formula=f"mean score of all texts of {sessions} "
        "sessions", unit="-1 to 1", lookback=sessions, undefined=_NO_WINDOW,
    )  # fmt: skip


def _decayed(half_life: int) -> Feature:
    window, sessions = 5 * half_life, "session" if half_life == 1 else f"{half_life} sessions"
    return _feature(
        name=f"sentiment_decayed_{half_life}d", formula=f"mean score of all texts of {window} "
        f"sessions, a text's weight halved every {sessions}", unit="-1 to 1", lookback=window,
        undefined=_NO_WINDOW,
    )  # fmt: skip


def _to_mean(of: str, undefined: str) -> Feature:
    return _feature(
        name=f"{of}_to_mean_20d", formula=f"{of} / mean {of} of 20 sessions", inputs=(of,),
        unit="ratio", lookback=20, undefined=undefined,
    )  # fmt: skip


def _sessions_since(what: str) -> Feature:
    return _always(
        name=f"sessions_since_{what}", formula=f"sessions since the last one with a {what}, 0 = "
        "this one, at most 60", unit="sessions", lookback=61,
    )  # fmt: skip


# fmt: off
DAILY = (
    _always(name="text_count", formula="distinct texts of the session", unit="texts"),
    _always(name="tweet_count", formula="distinct texts first known as a tweet", unit="texts"),
    _always(name="headline_count", formula="distinct texts first known as a headline",
            unit="texts"),
    _always(name="author_count", formula="distinct named authors of the session", unit="authors"),
    _feature(name="retweet_share", formula="retweets / all messages, copies included",
             unit="0 to 1"),
    _feature(name="near_copy_share", formula="1 - groups of near copies / all messages",
             unit="0 to 1", lookback=WITH_COPIES),
    _feature(name="tickers_per_text", formula="mean number of tickers that a text names",
             unit="tickers"),
    _feature(name="sentiment_raw", formula="mean score of all messages, every copy counted",
             unit="-1 to 1"),
    _feature(name="sentiment_weighted", formula="sum of weight x score / sum of weight over all "
             "messages", unit="-1 to 1", lookback=WITH_COPIES),
    _feature(name="sentiment_mean", formula="mean score of the session's texts", unit="-1 to 1"),
    _feature(name="sentiment_std", formula="deviation of the session's scores", unit="0 to 1"),
    _feature(name="sentiment_max", formula="highest score of the session's texts",
             unit="-1 to 1"),
    _feature(name="sentiment_min", formula="lowest score of the session's texts", unit="-1 to 1"),
    _feature(name="sentiment_certainty", formula="mean |score| of the session's texts",
             unit="0 to 1"),
    _feature(name="positive_share", formula="share of texts with score > 0.2", unit="0 to 1"),
    _feature(name="negative_share", formula="share of texts with score < -0.2", unit="0 to 1"),
    _feature(name="bullishness", formula="ln((1 + P) / (1 + N)), P and N the texts with score > "
             "0.2 and < -0.2", unit="log ratio", source="Antweiler and Frank 2004"),
    _feature(name="sentiment_disagreement", formula="sqrt(1 - ((P - N) / (P + N))^2), P and N the "
             "texts with score > 0.2 and < -0.2", unit="0 to 1",
             source="Antweiler and Frank 2004", undefined="no text takes a side"),
    _feature(name="tweet_sentiment_mean", formula="mean score of texts first known as a tweet",
             unit="-1 to 1", undefined="the session has no tweet"),
    _feature(name="headline_sentiment_mean", formula="mean score of texts first known as a "
             "headline", unit="-1 to 1", undefined="the session has no headline"),
    _feature(name="headline_minus_tweet_sentiment", formula="headline_sentiment_mean - "
             "tweet_sentiment_mean", inputs=("headline_sentiment_mean", "tweet_sentiment_mean"),
             unit="-2 to 2", undefined="the session lacks tweets or headlines"),
    _feature(name="novelty_20d", formula="share of texts whose words were not said of the ticker "
             "in the 20 sessions before", unit="0 to 1", lookback=21),
    _feature(name="signal_strength", formula="|sum of scores| / (text_count + 5)", unit="0 to 1"),
    _feature(name="signal_quality", formula="text_count / (text_count + 5) x (1 - sentiment_std)",
             inputs=("text_count", "sentiment_std"), unit="0 to 1"),
    _always(name="trading_signal", formula="sign of sentiment_mean where |sentiment_mean| > 0.2 "
            "and signal_quality > 0.3, else 0", inputs=("sentiment_mean", "signal_quality"),
            unit="-1, 0 or 1"),
)

HISTORY = (
    _mean(3),
    _mean(5),
    _mean(20),
    _feature(name="sentiment_change_20d", formula="sentiment_mean - sentiment_mean_20d",
             inputs=("sentiment_mean", "sentiment_mean_20d"), unit="-2 to 2", lookback=20),
    _feature(name="sentiment_zscore_20d", formula="(sentiment_mean - its mean over the sessions "
             "with texts of 20) / its deviation", inputs=("sentiment_mean",), unit="deviations",
             lookback=20, undefined=f"{NO_TEXT}, fewer than 5 of 20 have one, or the deviation "
             "is 0"),
    _decayed(1),
    _decayed(3),
    _decayed(5),
    _decayed(10),
    _to_mean("text_count", _NO_WINDOW),
    _to_mean("headline_count", "the window has no headline"),
    _to_mean("author_count", "the window has no named author"),
    _feature(name="text_count_zscore_20d", formula="(ln(1 + text_count) - its mean over 20 "
             "sessions) / its deviation", inputs=("text_count",), unit="deviations", lookback=20,
             undefined="the ticker has fewer than 5 sessions, or the deviation is 0"),
    _sessions_since("text"),
    _sessions_since("headline"),
)

MARKET = (
    _feature(name="market_sentiment_mean", formula="mean of sentiment_mean over the session's "
             "tickers", inputs=("sentiment_mean",), unit="-1 to 1", undefined=_NO_MARKET),
    _feature(name="market_sentiment_change_5d", formula="market_sentiment_mean - its mean over "
             "5 sessions", inputs=("market_sentiment_mean",), unit="-2 to 2", lookback=5,
             undefined=_NO_MARKET),
    _feature(name="market_text_count_to_mean_20d", formula="all tickers' texts of the session / "
             "their mean over 20 sessions", inputs=("text_count",), unit="ratio", lookback=20,
             undefined="the window has no text of any ticker"),
)

RELATIVE = (
    _feature(name="sentiment_minus_market", formula="sentiment_mean - market_sentiment_mean",
             inputs=("sentiment_mean", "market_sentiment_mean"), unit="-2 to 2"),
    _feature(name="sentiment_rank", formula="rank of sentiment_mean among the session's tickers "
             "with texts, ties by half", inputs=("sentiment_mean",), unit="0 to 1",
             undefined=f"{NO_TEXT}, or no other ticker has one"),
    _feature(name="sentiment_5d_minus_market", formula="sentiment_mean_5d - its mean over the "
             "tickers", inputs=("sentiment_mean_5d",), unit="-2 to 2", lookback=5,
             undefined=_NO_WINDOW),
    _feature(name="attention_share", formula="text_count / all tickers' texts of the session",
             inputs=("text_count",), unit="0 to 1", undefined=_NO_MARKET),
)
# fmt: on

FEATURES = DAILY + HISTORY + MARKET + RELATIVE
