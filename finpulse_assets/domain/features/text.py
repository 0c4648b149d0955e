"""Text: what people wrote about a ticker until the decision.

Belongs here: the definitions of the family. dbt computes them, in fct_daily_sentiment.sql and
fct_daily_features.sql, because they join texts, scores and sessions. A score is p_positive -
p_negative of a distinct text. `author_weight` and `copy_weight` are columns of int_texts_scored.
"""

from __future__ import annotations

from functools import partial

from finpulse_assets.domain.features.feature import Feature

_feature = partial(
    Feature, family="text", inputs=("scored texts",), lookback=1, clocks=("session",),
    undefined="the session has no text", sparse=True,
)  # fmt: skip

FEATURES = (
    _feature(name="text_count", formula="distinct texts of the session", unit="texts",
             undefined=""),
    _feature(name="headline_count", formula="distinct headlines of the session", unit="texts",
             undefined=""),
    _feature(name="author_count", formula="distinct authors of the session", unit="authors",
             undefined=""),
    _feature(name="sentiment_mean", formula="mean score of the session's texts", unit="-1 to 1"),
    _feature(name="sentiment_std", formula="deviation of the session's scores", unit="0 to 1"),
    _feature(name="positive_share", formula="share of texts with score > 0.2", unit="0 to 1"),
    _feature(name="negative_share", formula="share of texts with score < -0.2", unit="0 to 1"),
    _feature(name="sentiment_mean_3d", formula="mean score of all texts of 3 sessions",
             unit="-1 to 1", lookback=3, undefined="the window has no text"),
    _feature(name="sentiment_mean_5d", formula="mean score of all texts of 5 sessions",
             unit="-1 to 1", lookback=5, undefined="the window has no text"),
    _feature(name="sentiment_mean_20d", formula="mean score of all texts of 20 sessions",
             unit="-1 to 1", lookback=20, undefined="the window has no text"),
    _feature(name="sentiment_change_20d", formula="sentiment_mean - sentiment_mean_20d",
             unit="-2 to 2", lookback=20),
    _feature(name="text_count_to_mean_20d", formula="text_count / mean text_count of 20 sessions",
             unit="ratio", lookback=20, undefined="the window has no text"),
    _feature(name="market_sentiment_mean", formula="mean of sentiment_mean over the session's "
             "tickers", unit="-1 to 1", undefined="no ticker has a text"),
    _feature(name="sentiment_minus_market", formula="sentiment_mean - market_sentiment_mean",
             unit="-2 to 2"),
)  # fmt: skip
