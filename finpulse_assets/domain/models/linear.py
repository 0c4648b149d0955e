"""The market head: a linear rule that predicts the whole market from what is equal for all tickers.

It is never promoted: it has to prove by itself that the market's direction can be predicted at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import ClassVar

import numpy as np
import polars as pl

from finpulse_assets.domain.models.candidate import CARD_FILE, Scale
from finpulse_assets.domain.models.inputs import feature_matrix, moments, standardised
from finpulse_assets.domain.models.one_thread import on_one_blas_thread
from finpulse_assets.domain.models.training import check_labels
from finpulse_assets.domain.seal import REBUILD, as_json, parse_json
from finpulse_assets.errors import ModelError

LEAST_WITHIN = 1e-4  # share of a feature's variance within sessions below which it is the market's
MARKET_PENALTY = 0.5  # of a session, on the squared coefficients


@dataclass(frozen=True)
class LinearModel:
    """A fitted linear rule: log-odds of an up move = intercept + inputs x coefficients.

    Inputs are standardised by `means` and `deviations` of the training rows, an unknown one counts
    as the mean. `size` is the expected return of one unit of log-odds, a fraction. All tickers of a
    session are told the same, the mean over them.
    """

    FILES: ClassVar[tuple[str, ...]] = (CARD_FILE,)

    features: tuple[str, ...]
    means: tuple[float, ...]
    deviations: tuple[float, ...]
    coefficients: tuple[float, ...]
    intercept: float
    size: float

    def forecast(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the predictions as columns; see `candidate.Fitted`."""
        from scipy.special import expit

        inputs = standardised(
            feature_matrix(frame, self.features), np.array(self.means), np.array(self.deviations)
        )
        log_odds = self.intercept + (inputs * np.array(self.coefficients)).sum(axis=1)
        days = frame.select("session_date", it=pl.Series(log_odds))
        log_odds = days.select(pl.col("it").mean().over("session_date"))["it"].to_numpy()
        return pl.DataFrame(
            {
                "probability_up": expit(log_odds),
                "score": log_odds,
                "predicts_up": log_odds >= 0,
                "expected_return": self.size * log_odds,
            }
        )

    def files(self) -> dict[str, str]:
        """Return the rule as one file."""
        return {CARD_FILE: as_json({"family": "linear", **asdict(self)})}

    @classmethod
    def from_files(cls, texts: Mapping[str, str]) -> LinearModel:
        """Return the rule whose `files` these are.

        Raises:
            ModelError: they are not.
        """
        card = parse_json(CARD_FILE, texts[CARD_FILE])
        try:
            names = ("features", "means", "deviations", "coefficients")
            lists = {name: tuple(card[name]) for name in names}
            return cls(
                **lists,
                intercept=float(card["intercept"]),
                size=float(card["size"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(
                f"{CARD_FILE} does not describe a linear rule: {error!r}", hint=REBUILD
            ) from error


@dataclass(frozen=True)
class MarketHead:
    """Ridge regression of the market's next return on what is equal for all tickers of a session.

    The market is the mean of all tickers; one row a session, so that a day with many tickers counts
    once. Which features are the market's is found in the training rows.
    """

    name: str
    features: tuple[str, ...]
    is_baseline: bool = True  # it is judged, never promoted
    scale: ClassVar[Scale] = "values"

    def recipe(self) -> dict[str, object]:
        return {"family": "market", "features": self.features, "penalty": MARKET_PENALTY}

    @on_one_blas_thread
    def fit(self, frame: pl.DataFrame) -> LinearModel:
        """Fit on a training frame; see `candidate.Candidate`."""
        check_labels(frame)
        shared = market_wide(frame, self.features)
        days = frame.group_by("session_date").agg(
            pl.col(name).cast(pl.Float64).fill_nan(None).mean() for name in shared
        ).sort("session_date")  # fmt: skip
        market = (
            frame.group_by("session_date")
            .agg(pl.col("return_next_session").mean())
            .sort("session_date")["return_next_session"]
            .to_numpy()
        )
        market = np.clip(market, *np.quantile(market, [0.01, 0.99]))
        matrix = feature_matrix(days, shared)
        means, deviations = moments(matrix)
        inputs = standardised(matrix, means, deviations)
        penalty = MARKET_PENALTY * len(inputs)
        squares = inputs.T @ inputs + penalty * np.eye(len(shared))
        slope = np.linalg.solve(squares, inputs.T @ (market - market.mean()))
        # A normal distribution: log-odds are about 1.6 standard deviations of the return.
        size = float(market.std()) / 1.6 or 1.0
        return LinearModel(
            tuple(shared),
            tuple(means.tolist()),
            tuple(deviations.tolist()),
            tuple((slope / size).tolist()),
            float(market.mean()) / size,
            size,
        )


def market_wide(frame: pl.DataFrame, features: tuple[str, ...]) -> list[str]:
    """Return the features that are equal for all tickers of a session, or nearly.

    >>> from datetime import date
    >>> days = [date(2024, 7, 2)] * 2 + [date(2024, 7, 3)] * 2
    >>> frame = pl.DataFrame({"session_date": days, "vix": [1.0, 1, 2, 2], "rsi": [1.0, 2, 1, 2]})
    >>> market_wide(frame, ("vix", "rsi"))
    ['vix']
    """
    known = [pl.col(name).cast(pl.Float64).fill_nan(None) for name in features]
    spread = frame.select(
        *((it - it.mean().over("session_date")).var().alias(f"{at} within")
          for at, it in enumerate(known)),
        *(it.var().alias(f"{at} whole") for at, it in enumerate(known)),
    ).row(0, named=True)  # fmt: skip
    return [
        name
        for at, name in enumerate(features)
        if (spread[f"{at} whole"] or 0) > 0
        and (spread[f"{at} within"] or 0) <= LEAST_WITHIN * spread[f"{at} whole"]
    ]
