"""The fitted LSTM: a score from a ticker's last 20 sessions of places. It needs numpy alone.

How it is fitted, by torch, stands in `lstm`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
import polars as pl

from finpulse_assets.domain.models.candidate import CARD_FILE, LOOKBACK
from finpulse_assets.domain.models.inputs import feature_matrix
from finpulse_assets.domain.models.one_thread import on_one_blas_thread
from finpulse_assets.domain.seal import REBUILD, as_json, parse_json
from finpulse_assets.errors import ModelError

NUMBERS = ("slope", "drift", "spread")
Weights = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class LstmModel:
    """A fitted LSTM as plain data: equal content means equal files.

    Attributes:
        features: names of the inputs, in their order.
        inputs: weights of the inputs, (4 x hidden, features): input, forget, cell and output gate.
        hidden: weights of the hidden state, (4 x hidden, hidden).
        bias: of the gates, (4 x hidden,).
        head: weights of the last hidden state in the score, (hidden,).
        offset: of the score.
        slope: expected return of one unit of score, a fraction.
        drift: mean return of the training rows, a fraction.
        spread: robust standard deviation of the returns, a fraction.
    """

    FILES: ClassVar[tuple[str, ...]] = (CARD_FILE,)

    features: tuple[str, ...]
    inputs: tuple[tuple[float, ...], ...]
    hidden: tuple[tuple[float, ...], ...]
    bias: tuple[float, ...]
    head: tuple[float, ...]
    offset: float
    slope: float
    drift: float
    spread: float

    def forecast(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the predictions as columns; see `candidate.Fitted`.

        Args:
            frame: places, with ticker and session_date; a session before the first of the frame
                counts as unknown.
        """
        from scipy.special import ndtr

        rows = with_unknown(feature_matrix(frame, self.features))
        score = scored(rows, windows(frame), self._weights)
        expected_return = self.drift + self.slope * score
        return pl.DataFrame(
            {
                "probability_up": ndtr(expected_return / self.spread),
                "score": score,
                "predicts_up": expected_return >= 0,
                "expected_return": expected_return,
            }
        )

    def files(self) -> dict[str, str]:
        """Return the model as one file; equal models, equal bytes."""
        names = ("features", "inputs", "hidden", "bias", "head", "offset", *NUMBERS)
        return {CARD_FILE: as_json({"family": "lstm", **{it: getattr(self, it) for it in names}})}

    @classmethod
    def from_files(cls, texts: Mapping[str, str]) -> LstmModel:
        """Return the model whose `files` these are.

        Raises:
            ModelError: they are not the file of an LSTM.
        """
        card = parse_json(CARD_FILE, texts[CARD_FILE])
        try:
            return cls(
                features=tuple(card["features"]),
                **{name: tuple(map(tuple, card[name])) for name in ("inputs", "hidden")},
                **{name: tuple(card[name]) for name in ("bias", "head")},
                **{name: float(card[name]) for name in ("offset", *NUMBERS)},
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(
                f"{CARD_FILE} does not describe an LSTM: {error!r}", hint=REBUILD
            ) from error

    @cached_property
    def _weights(self) -> Weights:
        names = ("inputs", "hidden", "bias", "head", "offset")
        return {name: np.array(getattr(self, name)) for name in names}


@on_one_blas_thread
def scored(rows: np.ndarray, at: np.ndarray, weights: Weights) -> np.ndarray:
    """Return the score of each sequence, float64 (sequences,).

    Args:
        rows: from `with_unknown`.
        at: from `windows`.
        weights: inputs, hidden, bias, head and offset, as in `LstmModel`.
    """
    from scipy.special import expit

    drive = rows.astype(np.float64) @ weights["inputs"].T + weights["bias"]
    width = len(weights["head"])
    state = cell = np.zeros((len(at), width))
    for step in range(LOOKBACK):
        gates = drive[at[:, step]] + state @ weights["hidden"].T
        let_in, keep, new, let_out = np.split(gates, 4, axis=1)
        cell = expit(keep) * cell + expit(let_in) * np.tanh(new)
        state = expit(let_out) * np.tanh(cell)
    return state @ weights["head"] + weights["offset"]


def windows(frame: pl.DataFrame) -> np.ndarray:
    """Return the rows of each row's sequence, int (rows, LOOKBACK), its own the last.

    A session of the frame in which the ticker has no row, and one before its first, is -1.

    >>> from datetime import date
    >>> days = [date(2024, 7, 2), date(2024, 7, 3), date(2024, 7, 5)]
    >>> frame = pl.DataFrame({"ticker": ["A", "B", "A"], "session_date": days})
    >>> windows(frame)[:, -3:].tolist()
    [[-1, -1, 0], [-1, -1, 1], [0, -1, 2]]
    """
    day = frame["session_date"].rank("dense").to_numpy().astype(np.int64) - 1
    ticker = frame["ticker"].rank("dense").to_numpy().astype(np.int64) - 1
    before = LOOKBACK - 1
    table = np.full((day.max(initial=-1) + 1 + before, ticker.max(initial=-1) + 1), -1)
    table[day + before, ticker] = np.arange(frame.height)
    return table[day[:, None] + np.arange(LOOKBACK), ticker[:, None]]


def with_unknown(matrix: np.ndarray) -> np.ndarray:
    """Return the rows with one of middle places after the last, which is what -1 stands for."""
    return np.vstack([matrix, np.zeros((1, matrix.shape[1]), matrix.dtype)])
