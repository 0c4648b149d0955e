"""The feature registry: every model feature once, as data.

Belongs here: name, family, formula in words, unit, look-back and source of each feature. Table
schemas, the training columns and the documentation are made from it; nothing lists features a
second time but the dbt contract, which a test holds to this list. Does not belong here: how a
feature is computed (`technical.py`; the text features stand in dbt, in fct_daily_features.sql).
"""

from __future__ import annotations

from dataclasses import dataclass

TALIB = "TA-Lib"


@dataclass(frozen=True)
class Feature:
    """One model input. `lookback` counts the bars (or sessions) that a value depends on."""

    name: str
    family: str
    formula: str
    unit: str
    lookback: int
    source: str = "own"

    @property
    def is_text(self) -> bool:
        return self.family == "text"


TECHNICAL = (
    Feature("return_1d", "momentum", "close / previous close - 1", "fraction", 2),
    Feature("return_5d", "momentum", "close / close 5 bars ago - 1", "fraction", 6),
    Feature("return_20d", "momentum", "close / close 20 bars ago - 1", "fraction", 21),
    Feature("return_overnight", "momentum", "open / previous close - 1", "fraction", 2),
    Feature("return_intraday", "momentum", "close / open - 1", "fraction", 1),
    Feature("roc_12", "momentum", "100 x (close / close 12 bars ago - 1)", "percent", 13, TALIB),
    Feature("rsi_14", "momentum", "Wilder's relative strength index, 14 bars", "0 to 100", 100,
            TALIB),
    Feature("stochastic_k_14_3", "momentum", "slow %K: 3-bar mean of the close's place in the "
            "14-bar range", "0 to 100", 16, TALIB),
    Feature("stochastic_d_14_3", "momentum", "3-bar mean of slow %K", "0 to 100", 18, TALIB),
    Feature("macd_histogram_to_close", "momentum", "(MACD(12,26) - its 9-bar signal) / close",
            "fraction", 120, TALIB),
    Feature("mfi_14", "volume", "money flow index, 14 bars", "0 to 100", 15, TALIB),
    Feature("close_to_sma_5", "trend", "close / 5-bar mean - 1", "fraction", 5, TALIB),
    Feature("close_to_sma_10", "trend", "close / 10-bar mean - 1", "fraction", 10, TALIB),
    Feature("close_to_sma_50", "trend", "close / 50-bar mean - 1", "fraction", 50, TALIB),
    Feature("close_to_ema_20", "trend", "close / 20-bar exponential mean - 1", "fraction", 120,
            TALIB),
    Feature("adx_14", "trend", "Wilder's average directional index, 14 bars", "0 to 100", 120,
            TALIB),
    Feature("directional_balance_14", "trend", "+DI(14) - -DI(14)", "-100 to 100", 100, TALIB),
    Feature("aroon_oscillator_25", "trend", "Aroon up(25) - Aroon down(25)", "-100 to 100", 26,
            TALIB),
    Feature("atr_14_to_close", "volatility", "Wilder's average true range, 14 bars, / close",
            "fraction", 100, TALIB),
    Feature("bollinger_20_position", "volatility", "(close - lower band) / (upper - lower), bands "
            "2 deviations around the 20-bar mean", "0 to 1 inside the bands", 20, TALIB),
    Feature("bollinger_20_width", "volatility", "(upper - lower band) / 20-bar mean", "fraction",
            20, TALIB),
    Feature("volatility_20d", "volatility", "deviation of 20 log returns, per session", "fraction",
            21),
    Feature("parkinson_20d", "volatility", "sqrt(mean of ln(high/low)^2 over 20 bars / (4 ln 2)), "
            "per session", "fraction", 20, "Parkinson 1980"),
    Feature("high_low_range", "volatility", "(high - low) / close", "fraction", 1),
    Feature("close_position", "volatility", "(close - low) / (high - low)", "0 to 1", 1),
    Feature("volume_to_mean_20d", "volume", "volume / mean volume of 20 bars", "ratio", 20),
    Feature("volume_zscore_20d", "volume", "(ln volume - its 20-bar mean) / its deviation",
            "deviations", 20),
    Feature("obv_change_20d", "volume", "20-bar change of on-balance volume / 20-bar volume",
            "-1 to 1", 21, TALIB),
    Feature("amihud_20d", "volume", "20-bar mean of |return| / million USD traded", "1 / USD mn",
            21, "Amihud 2002"),
    Feature("market_return_1d", "market", "mean return_1d of all tickers in the session",
            "fraction", 2),
    Feature("return_1d_minus_market", "market", "return_1d - market_return_1d", "fraction", 2),
    Feature("return_1d_rank", "market", "rank of return_1d among the session's tickers",
            "0 to 1", 2),
)  # fmt: skip

TEXT = (
    Feature("text_count", "text", "distinct texts of the session", "texts", 1),
    Feature("headline_count", "text", "distinct headlines of the session", "texts", 1),
    Feature("author_count", "text", "distinct authors of the session", "authors", 1),
    Feature("sentiment_mean", "text", "mean score of the session's texts", "-1 to 1", 1),
    Feature("sentiment_std", "text", "deviation of the session's scores", "0 to 1", 1),
    Feature("positive_share", "text", "share of texts with score > 0.2", "0 to 1", 1),
    Feature("negative_share", "text", "share of texts with score < -0.2", "0 to 1", 1),
    Feature("sentiment_mean_3d", "text", "mean score of all texts of 3 sessions", "-1 to 1", 3),
    Feature("sentiment_mean_5d", "text", "mean score of all texts of 5 sessions", "-1 to 1", 5),
    Feature("sentiment_mean_20d", "text", "mean score of all texts of 20 sessions", "-1 to 1", 20),
    Feature("sentiment_change_20d", "text", "sentiment_mean - sentiment_mean_20d", "-2 to 2", 20),
    Feature("text_count_to_mean_20d", "text", "text_count / mean text_count of 20 sessions",
            "ratio", 20),
    Feature("market_sentiment_mean", "text", "mean of sentiment_mean over the session's tickers",
            "-1 to 1", 1),
    Feature("sentiment_minus_market", "text", "sentiment_mean - market_sentiment_mean", "-2 to 2",
            1),
)  # fmt: skip

FEATURES = TECHNICAL + TEXT


def feature_names(*, with_text: bool = True) -> list[str]:
    """Return the names of the model's inputs in their fixed order.

    >>> len(feature_names()) - len(feature_names(with_text=False)) == len(TEXT)
    True
    """
    return [feature.name for feature in FEATURES if with_text or not feature.is_text]
