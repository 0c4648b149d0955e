"""The peers of FinPulse's indicators: plain TA-Lib calls, and the `ta` package on pandas."""

from __future__ import annotations

import numpy as np

SUBSET = (
    "roc_12", "rsi_14", "williams_r_14", "stochastic_k_14_3", "stochastic_d_14_3",
    "macd_to_close", "macd_histogram_to_close", "cci_20", "ultimate_oscillator", "trix_15",
    "close_to_sma_5", "close_to_sma_10", "close_to_sma_20", "close_to_sma_50",
    "close_to_ema_5", "close_to_ema_10", "close_to_ema_20", "close_to_ema_50",
    "adx_14", "directional_balance_14", "aroon_oscillator_25",
    "atr_14_to_close", "bollinger_20_position", "bollinger_20_width", "obv_change_20d", "mfi_14",
)  # fmt: skip
AVERAGES = (5, 10, 20, 50)


def by_talib(high, low, close, volume) -> dict[str, np.ndarray]:
    """The subset as plain TA-Lib calls on contiguous arrays."""
    import talib

    bars = (high, low, close)
    slow_k, slow_d = talib.STOCH(*bars, 14, 3, 0, 3, 0)
    macd, _, histogram = talib.MACD(close, 12, 26, 9)
    upper, middle, lower = talib.BBANDS(close, 20, 2.0, 2.0)
    return {
        "roc_12": talib.ROC(close, 12), "rsi_14": talib.RSI(close, 14),
        "williams_r_14": talib.WILLR(*bars, 14),
        "stochastic_k_14_3": slow_k, "stochastic_d_14_3": slow_d,
        "macd_to_close": macd / close, "macd_histogram_to_close": histogram / close,
        "cci_20": talib.CCI(*bars, 20), "ultimate_oscillator": talib.ULTOSC(*bars),
        "trix_15": talib.TRIX(close, 15),
        **{f"close_to_sma_{n}": close / talib.SMA(close, n) - 1 for n in AVERAGES},
        **{f"close_to_ema_{n}": close / talib.EMA(close, n) - 1 for n in AVERAGES},
        "adx_14": talib.ADX(*bars, 14),
        "directional_balance_14": talib.PLUS_DI(*bars, 14) - talib.MINUS_DI(*bars, 14),
        "aroon_oscillator_25": talib.AROONOSC(high, low, 25),
        "atr_14_to_close": talib.ATR(*bars, 14) / close,
        "bollinger_20_position": (close - lower) / (upper - lower),
        "bollinger_20_width": (upper - lower) / middle,
        "obv_change_20d": talib.MOM(talib.OBV(close, volume), 20) / talib.SUM(volume, 20),
        "mfi_14": talib.MFI(*bars, volume, 14),
    }  # fmt: skip


def by_ta(frame) -> dict[str, object]:
    """The subset by the `ta` package on a pandas frame, with its own defaults otherwise."""
    from ta import momentum, trend, volatility, volume

    high, low, close, traded = (frame[name] for name in ("high", "low", "close", "volume"))
    bands = volatility.BollingerBands(close, 20, 2)
    stochastic = momentum.StochasticOscillator(high, low, close, 14, 3)
    macd, adx = trend.MACD(close, 26, 12, 9), trend.ADXIndicator(high, low, close, 14)
    atr = volatility.AverageTrueRange(high, low, close, 14)
    return {
        "roc_12": momentum.ROCIndicator(close, 12).roc(),
        "rsi_14": momentum.RSIIndicator(close, 14).rsi(),
        "williams_r_14": momentum.WilliamsRIndicator(high, low, close, 14).williams_r(),
        "stochastic_k_14_3": stochastic.stoch_signal(),
        "stochastic_d_14_3": stochastic.stoch_signal().rolling(3).mean(),
        "macd_to_close": macd.macd() / close, "macd_histogram_to_close": macd.macd_diff() / close,
        "cci_20": trend.CCIIndicator(high, low, close, 20).cci(),
        "ultimate_oscillator": momentum.UltimateOscillator(high, low, close).ultimate_oscillator(),
        "trix_15": trend.TRIXIndicator(close, 15).trix(),
        **{f"close_to_sma_{n}": close / trend.SMAIndicator(close, n).sma_indicator() - 1
           for n in AVERAGES},
        **{f"close_to_ema_{n}": close / trend.EMAIndicator(close, n).ema_indicator() - 1
           for n in AVERAGES},
        "adx_14": adx.adx(), "directional_balance_14": adx.adx_pos() - adx.adx_neg(),
        "aroon_oscillator_25": trend.AroonIndicator(high, low, 25).aroon_indicator(),
        "atr_14_to_close": atr.average_true_range() / close,
        "bollinger_20_position": bands.bollinger_pband(),
        "bollinger_20_width": bands.bollinger_wband(),
        "obv_change_20d": volume.OnBalanceVolumeIndicator(close, traded).on_balance_volume()
        .diff(20) / traded.rolling(20).sum(),
        "mfi_14": volume.MFIIndicator(high, low, close, traded, 14).money_flow_index(),
    }  # fmt: skip
