"""Technical features: adjusted daily bars in, one row of features per ticker and session out.

Belongs here: how each feature of `registry.TECHNICAL` is computed. Does not belong here: what it
means (registry), adjustment (domain.prices), text features (dbt).

Every value at a bar depends on that bar and earlier ones of the same run only. TA-Lib computes the
standard indicators on contiguous arrays, run by run; polars does the windows. Whatever is not a
finite number (a mean of zero volume, a range of zero) is null, never a silent zero; a value before
the feature's look-back is null too.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import numpy as np
import polars as pl

from finpulse_assets.contract import Column, Table
from finpulse_assets.domain.features.registry import TECHNICAL
from finpulse_assets.domain.prices import adjust_bars, latest_versions, punctual_bars, with_runs
from finpulse_assets.schemas import SESSION_DATE, TICKER

TECHNICAL_FEATURES = Table(
    name="features/technical",
    grain="one row per ticker and session with a bar that was known at its decision",
    known_at="known at decision_at of the session, minutes after its close",
    columns=(
        TICKER,
        SESSION_DATE,
        Column("bars_seen", pl.Int32, "bars of the unbroken run so far, this one included", "bars"),
        *(
            Column(feature.name, pl.Float64, f"{feature.formula} ({feature.source})", feature.unit,
                   nullable=True)
            for feature in TECHNICAL
        ),
    ),
    key=("ticker", "session_date"),
)  # fmt: skip

_RUN = ("ticker", "run")


def build_technical_features(
    prices: pl.LazyFrame, actions: pl.LazyFrame, sessions: pl.DataFrame, *, as_of: datetime
) -> pl.DataFrame:
    """Return `TECHNICAL_FEATURES` as known at `as_of`.

    Args:
        prices: `schemas.PRICES`, all versions.
        actions: `schemas.CORPORATE_ACTIONS`, all versions.
        sessions: `schemas.SESSIONS` that cover the prices.
        as_of: UTC time; later knowledge is not looked at.
    """
    bars = punctual_bars(prices, sessions, as_of)
    events = latest_versions(actions, ["ticker", "ex_date", "kind"], as_of)
    panel = with_runs(adjust_bars(bars, events), sessions).join(
        bars.select("ticker", "session_date", "is_punctual"),
        on=["ticker", "session_date"],
        maintain_order="left",
    )
    panel = _window_features(_indicator_features(panel)).filter("is_punctual")
    return TECHNICAL_FEATURES.enforce(
        panel.select(
            "ticker",
            "session_date",
            "bars_seen",
            *(_known(feature.name, feature.lookback) for feature in TECHNICAL),
        )
    )


def _known(name: str, lookback: int) -> pl.Expr:
    """Return the column where it is a finite number past its look-back, else null."""
    holds = pl.col(name).is_finite() & (pl.col("bars_seen") >= lookback)
    return pl.when(holds).then(pl.col(name)).alias(name)


def _window_features(panel: pl.DataFrame) -> pl.DataFrame:
    close, high, low, volume = (pl.col(name) for name in ("close", "high", "low", "volume"))
    previous = close.shift(1).over(_RUN)

    def change(bars: int) -> pl.Expr:
        return close / close.shift(bars).over(_RUN) - 1

    def mean(expr: pl.Expr, bars: int) -> pl.Expr:
        return expr.rolling_mean(bars).over(_RUN)

    log_volume = pl.when(volume > 0).then(volume.log())
    log_range = (high / low).log()
    panel = panel.with_columns(
        return_1d=change(1),
        return_5d=change(5),
        return_20d=change(20),
        return_overnight=pl.col("open") / previous - 1,
        return_intraday=close / pl.col("open") - 1,
        high_low_range=(high - low) / close,
        close_position=(close - low) / (high - low),
        parkinson_20d=(mean(log_range**2, 20) / (4 * np.log(2))).sqrt(),
        volatility_20d=(close / previous).log().rolling_std(20).over(_RUN),
        volume_to_mean_20d=volume / mean(volume, 20),
        volume_zscore_20d=(log_volume - mean(log_volume, 20))
        / log_volume.rolling_std(20).over(_RUN),
        amihud_20d=mean((close / previous - 1).abs() / (close * volume / 1e6), 20),
    )
    # A bar that came after the decision is no part of the market that the decision saw.
    seen = pl.when("is_punctual").then("return_1d")
    market = seen.mean().over("session_date")
    ranked = seen.rank("average").over("session_date")
    count = seen.count().over("session_date")
    return panel.with_columns(
        market_return_1d=market,
        return_1d_minus_market=pl.col("return_1d") - market,
        return_1d_rank=(ranked - 1) / (count - 1),
    )


def _indicator_features(panel: pl.DataFrame) -> pl.DataFrame:
    """Add the TA-Lib features, run by run; `panel` is sorted by ticker and session."""
    columns = {
        name: panel[name].to_numpy().astype(np.float64)
        for name in ("open", "high", "low", "close", "volume")
    }
    indicators = _indicators()
    values = {name: np.full(panel.height, np.nan) for name in indicators}
    for start, stop in _run_bounds(panel):
        bars = {name: np.ascontiguousarray(array[start:stop]) for name, array in columns.items()}
        for name, compute in indicators.items():
            with np.errstate(divide="ignore", invalid="ignore"):
                values[name][start:stop] = compute(**bars)
    return panel.with_columns(pl.Series(name, array) for name, array in values.items())


def _run_bounds(panel: pl.DataFrame) -> list[tuple[int, int]]:
    starts = np.flatnonzero(panel["bars_seen"].to_numpy() == 1)
    stops = np.append(starts, panel.height)[1:]
    return list(zip(starts.tolist(), stops.tolist(), strict=True))


def _indicators() -> dict[str, Callable[..., np.ndarray]]:
    """Return feature name -> function of one run's arrays; TA-Lib is imported only here."""
    import talib

    def macd_histogram(close: np.ndarray, **_: np.ndarray) -> np.ndarray:
        return talib.MACD(close, 12, 26, 9)[2] / close

    def stochastic(line: int) -> Callable[..., np.ndarray]:
        return lambda high, low, close, **_: talib.STOCH(high, low, close, 14, 3, 0, 3, 0)[line]

    def bands(close: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return talib.BBANDS(close, 20, 2.0, 2.0)

    def position(close: np.ndarray, **_: np.ndarray) -> np.ndarray:
        upper, _middle, lower = bands(close)
        return (close - lower) / (upper - lower)

    def width(close: np.ndarray, **_: np.ndarray) -> np.ndarray:
        upper, middle, lower = bands(close)
        return (upper - lower) / middle

    def distance(average: Callable[..., np.ndarray], bars: int) -> Callable[..., np.ndarray]:
        return lambda close, **_: close / average(close, bars) - 1

    def obv_change(close: np.ndarray, volume: np.ndarray, **_: np.ndarray) -> np.ndarray:
        balance = talib.OBV(close, volume)
        return talib.MOM(balance, 20) / (talib.SMA(volume, 20) * 20)

    def balance_of_directions(high, low, close, **_):
        return talib.PLUS_DI(high, low, close, 14) - talib.MINUS_DI(high, low, close, 14)

    return {
        "roc_12": lambda close, **_: talib.ROC(close, 12),
        "rsi_14": lambda close, **_: talib.RSI(close, 14),
        "stochastic_k_14_3": stochastic(0),
        "stochastic_d_14_3": stochastic(1),
        "macd_histogram_to_close": macd_histogram,
        "mfi_14": lambda high, low, close, volume, **_: talib.MFI(high, low, close, volume, 14),
        "close_to_sma_5": distance(talib.SMA, 5),
        "close_to_sma_10": distance(talib.SMA, 10),
        "close_to_sma_50": distance(talib.SMA, 50),
        "close_to_ema_20": distance(talib.EMA, 20),
        "adx_14": lambda high, low, close, **_: talib.ADX(high, low, close, 14),
        "directional_balance_14": balance_of_directions,
        "aroon_oscillator_25": lambda high, low, **_: talib.AROONOSC(high, low, 25),
        "atr_14_to_close": lambda high, low, close, **_: talib.ATR(high, low, close, 14) / close,
        "bollinger_20_position": position,
        "bollinger_20_width": width,
        "obv_change_20d": obv_change,
    }
