"""Text: what people wrote about a ticker until the decision.

Belongs here: the definitions of the family. dbt computes them, because they join texts, scores and
sessions: one session in fct_daily_sentiment.sql, windows in int_sentiment_windowed.sql and
int_sentiment_decayed.sql, the tickers of a session in int_sentiment_compared.sql.

A score is p_positive - p_negative of a distinct text: equal words are one text however often they
are repeated. A text counts for the first session whose decision is later than its knowledge.
Windows are sessions of the exchange, with or without a text or a bar, this one included; those
before the ticker's first bar or text are no sessions without texts, they do not count. Deviations
over sessions are those of a sample, as in the family `volume`. `author_weight` and `copy_weight`
are columns of int_texts_scored.
"""

from __future__ import annotations

from functools import partial

from finpulse_assets.domain.features.feature import Feature

SESSIONS_SINCE_AT_MOST = 60

_NO_TEXT = "the session has no text"
_NO_TEXT_IN_WINDOW = "the window has no text"
_NO_TEXT_AT_ALL = "no ticker has a text"
_BULLISHNESS = "Antweiler and Frank 2004"

_feature = partial(
    Feature, family="text", inputs=("scored texts",), lookback=1, clocks=("session",),
    undefined=_NO_TEXT, sparse=True,
)  # fmt: skip


def _mean(sessions: int) -> Feature:
    return _feature(
        name=f"sentiment_mean_{sessions}d", formula=f"mean score of all texts of {sessions} "
        "sessions", unit="-1 to 1", lookback=sessions, undefined=_NO_TEXT_IN_WINDOW,
    )  # fmt: skip


def _decayed(half_life: int) -> Feature:
    window = 5 * half_life
    return _feature(
        name=f"sentiment_decayed_{half_life}d", formula=f"mean score of all texts of {window} "
        f"sessions, each text weighted by 0.5^(sessions ago / {half_life})", unit="-1 to 1",
        lookback=window, undefined=_NO_TEXT_IN_WINDOW,
    )  # fmt: skip


def _to_mean(count: str, undefined: str) -> Feature:
    return _feature(
        name=f"{count}_to_mean_20d", formula=f"{count} / mean {count} of 20 sessions", unit="ratio",
        lookback=20, undefined=undefined,
    )  # fmt: skip


def _sessions_since(what: str) -> Feature:
    return _feature(
        name=f"sessions_since_{what}", formula=f"sessions since the ticker's last session with a "
        f"{what}, 0 is this one; {SESSIONS_SINCE_AT_MOST} where that is longer ago or none was "
        "seen", unit="sessions", lookback=SESSIONS_SINCE_AT_MOST + 1, undefined="",
    )  # fmt: skip


FEATURES = (
    # How much is said, and by how many.
    _feature(name="text_count", formula="distinct texts of the session", unit="texts",
             undefined=""),
    _feature(name="tweet_count", formula="distinct texts of the session first known as a tweet",
             unit="texts", undefined=""),
    _feature(name="headline_count", formula="distinct headlines of the session", unit="texts",
             undefined=""),
    _feature(name="author_count", formula="distinct authors of the session", unit="authors",
             undefined=""),
    _feature(name="retweet_share", formula="retweets / all messages of the session, copies "
             "included", unit="0 to 1"),
    # What is said, and how much of one mind they are.
    _feature(name="sentiment_mean", formula="mean score of the session's texts", unit="-1 to 1"),
    _feature(name="sentiment_std", formula="deviation of the session's scores", unit="0 to 1"),
    _feature(name="sentiment_min", formula="lowest score of the session", unit="-1 to 1"),
    _feature(name="sentiment_max", formula="highest score of the session", unit="-1 to 1"),
    _feature(name="sentiment_certainty", formula="mean |score| of the session's texts",
             unit="0 to 1"),
    _feature(name="positive_share", formula="share of texts with score > 0.2", unit="0 to 1"),
    _feature(name="negative_share", formula="share of texts with score < -0.2", unit="0 to 1"),
    _feature(name="bullishness", formula="ln((1 + P) / (1 + N)) of the session's P texts with "
             "score > 0.2 and N with score < -0.2", unit="log ratio", source=_BULLISHNESS),
    _feature(name="sentiment_disagreement", formula="sqrt(1 - ((P - N) / (P + N))^2) of the "
             "session's P texts with score > 0.2 and N with score < -0.2", unit="0 to 1",
             undefined="the session has no text with |score| > 0.2", source=_BULLISHNESS),
    # News and people apart.
    _feature(name="tweet_sentiment_mean", formula="mean score of the session's texts first known "
             "as a tweet", unit="-1 to 1", undefined="the session has no tweet"),
    _feature(name="headline_sentiment_mean", formula="mean score of the session's texts first "
             "known as a headline", unit="-1 to 1", undefined="the session has no headline"),
    _feature(name="headline_minus_tweet_sentiment", formula="headline_sentiment_mean - "
             "tweet_sentiment_mean", unit="-2 to 2",
             undefined="the session has no headline or no tweet"),
    # Who says it, and how far it goes.
    _feature(name="sentiment_author_weighted", formula="sum(author_weight x score) / "
             "sum(author_weight) over the distinct texts of each author of the session, every "
             "unnamed message an author of its own", unit="-1 to 1"),
    _feature(name="sentiment_copy_weighted", formula="sum(copy_weight x score) / sum(copy_weight) "
             "over the session's texts", unit="-1 to 1"),
    # A trading signal: how strong, how good, which way.
    _feature(name="signal_strength", formula="|sum of the session's scores| / (text_count + 5)",
             unit="0 to 1"),
    _feature(name="signal_quality", formula="text_count / (text_count + 5) x (1 - sentiment_std)",
             unit="0 to 1"),
    _feature(name="trading_signal", formula="sign of sentiment_mean where |sentiment_mean| > 0.2 "
             "and signal_quality > 0.3, else 0", unit="-1, 0 or 1", undefined=""),
    # Against the ticker's own past.
    *(_mean(sessions) for sessions in (3, 5, 20)),
    _feature(name="sentiment_change_20d", formula="sentiment_mean - sentiment_mean_20d",
             unit="-2 to 2", lookback=20),
    _feature(name="sentiment_zscore_20d", formula="(sentiment_mean - its mean over 20 sessions) / "
             "its deviation, over those with texts", unit="deviations", lookback=20,
             undefined="the session has no text, the window has fewer than 5 sessions with texts, "
             "or all of one mean"),
    *(_decayed(half_life) for half_life in (1, 3, 5, 10)),
    _to_mean("text_count", _NO_TEXT_IN_WINDOW),
    _to_mean("headline_count", "the window has no headline"),
    _to_mean("author_count", "the window has no named author"),
    _feature(name="text_count_zscore_20d", formula="(ln(1 + text_count) - its mean over 20 "
             "sessions) / its deviation", unit="deviations", lookback=20,
             undefined="the window has fewer than 5 sessions, or all of one text_count"),
    _feature(name="novelty_20d", formula="share of the session's texts whose words did not occur "
             "for the ticker in the 20 sessions before", unit="0 to 1", lookback=21),
    _sessions_since("text"),
    _sessions_since("headline"),
    # Against the other tickers.
    _feature(name="market_sentiment_mean", formula="mean of sentiment_mean over the session's "
             "tickers", unit="-1 to 1", undefined=_NO_TEXT_AT_ALL),
    _feature(name="market_sentiment_change_5d", formula="market_sentiment_mean - its mean over 5 "
             "sessions", unit="-2 to 2", lookback=5, undefined=_NO_TEXT_AT_ALL),
    _feature(name="market_text_count_to_mean_20d", formula="texts of all tickers / mean texts of "
             "all tickers of 20 sessions", unit="ratio", lookback=20,
             undefined="the window has no text of any ticker"),
)

RELATIVE = (
    _feature(name="sentiment_minus_market", formula="sentiment_mean - market_sentiment_mean",
             unit="-2 to 2"),
    _feature(name="sentiment_5d_minus_market", formula="sentiment_mean_5d - its mean over all "
             "tickers", unit="-2 to 2", lookback=5, undefined=_NO_TEXT_IN_WINDOW),
    _feature(name="sentiment_rank", formula="rank of sentiment_mean among the session's tickers "
             "with texts, ties by half", unit="0 to 1",
             undefined="the session has no text, or no other ticker has one"),
    _feature(name="attention_share", formula="text_count / texts of all tickers", unit="0 to 1",
             undefined=_NO_TEXT_AT_ALL),
)  # fmt: skip
