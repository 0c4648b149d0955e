"""Places: where a ticker stands among the others of its session, feature by feature.

A place needs nothing but its own session, so nothing is fitted and nothing can leak: whatever moves
all tickers at once (the market, the month) has no place.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from finpulse_assets.domain.models.inputs import feature_matrix

MIDDLE = 0.0  # the place of an unknown value


def places(frame: pl.DataFrame, features: Sequence[str]) -> pl.DataFrame:
    """Return the frame with each feature replaced by its place in the session, Float32.

    The place of a value is the share of the session's known values below it, those equal to it
    counted half, minus one half: from -0.5 to 0.5, the median is 0. An unknown value takes 0.

    Args:
        frame: rows with session_date and the features, numeric, null or NaN where unknown.
        features: what to replace; the other columns stay.

    Raises:
        ModelError: the frame lacks a feature, or a feature is no number.

    >>> from datetime import date
    >>> day = [date(2024, 7, 2)] * 4
    >>> frame = pl.DataFrame({"session_date": day, "rsi_14": [30.0, None, 50.0, 50.0]})
    >>> places(frame, ["rsi_14"])["rsi_14"].cast(pl.Float64).round(3).to_list()
    [-0.333, 0.0, 0.167, 0.167]
    """
    feature_matrix(frame.head(1), features)  # the words for what is missing
    known = [pl.col(name).cast(pl.Float64).fill_nan(None) for name in features]
    place = [(it.rank("average") - 0.5) / it.count() - 0.5 for it in known]
    return frame.with_columns(
        it.over("session_date").fill_null(MIDDLE).cast(pl.Float32).alias(name)
        for it, name in zip(place, features, strict=True)
    )


def places_among(frame: pl.DataFrame, peers: pl.DataFrame, features: Sequence[str]) -> pl.DataFrame:
    """Return the frame with each feature replaced by its place among `peers`, Float32.

    A row that is one of the peers gets the place that `places` gives it.

    Args:
        frame: rows with the features.
        peers: rows of one session with the features.
        features: what to replace; the other columns stay.

    Raises:
        ModelError: a frame lacks a feature, or a feature is no number.

    >>> peers = pl.DataFrame({"rsi_14": [30.0, None, 50.0, 50.0]})
    >>> places_among(pl.DataFrame({"rsi_14": [50.0, 99.0]}), peers, ["rsi_14"])["rsi_14"].to_list()
    [0.1666666716337204, 0.5]
    """
    place = PlacesAmong(feature_matrix(peers, features))
    found = place(feature_matrix(frame, features))
    return frame.with_columns(pl.Series(name, found[:, at]) for at, name in enumerate(features))


class PlacesAmong:
    """Places among peers whose values are sorted once: for a row now and a row then.

    What is left for a row is one search and one look into a table: the place that a value with so
    many peers below it has, where no peer has that value and where some have it.
    """

    def __init__(self, peers: np.ndarray) -> None:
        """Take the peers' features, float64 (peers, features), NaN where unknown."""
        features = peers.shape[1]
        # Sorted, and filled up with infinity to a power of two: all features are searched at once.
        self._width = 1 << len(peers).bit_length()
        known = np.full((features, self._width), np.inf)
        known[:, : len(peers)] = np.sort(np.where(np.isnan(peers), np.inf, peers), axis=0).T
        self._known = known.ravel()
        self._starts = np.arange(features) * self._width
        # Complex numbers are sorted by their real part, then by the other: by feature, then value.
        self._sorted = np.empty(known.size, complex)
        self._sorted.real = np.repeat(np.arange(features), self._width)
        self._sorted.imag = self._known
        self._places = self._table(known, (~np.isnan(peers)).sum(axis=0)[:, None])

    def __call__(self, own: np.ndarray) -> np.ndarray:
        """Return the places of rows, float32 (rows, features); unknown values take MIDDLE."""
        at = self._first_not_below(own)
        is_a_peers = self._known.take(at, mode="clip") == own
        place = self._places.take(at + is_a_peers * self._known.size, mode="clip")
        place[np.isnan(own)] = MIDDLE
        return place

    def _table(self, known: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """Return the place by how many are below: of a value that no peer has, of one that has."""
        not_above = np.stack([row.searchsorted(row, side="right") for row in known])
        below = np.broadcast_to(np.arange(self._width), known.shape)
        place = np.stack([2 * below, below + not_above]) / np.maximum(2 * counts, 1)
        return np.where(counts > 0, place - 0.5, MIDDLE).astype(np.float32).ravel()

    def _first_not_below(self, own: np.ndarray) -> np.ndarray:
        """Return where the first peer's value stands that is not below each, (rows, features)."""
        if len(own) == 1:  # one call; for many rows each step below costs less
            wanted = np.empty(own.shape, complex)
            wanted.real, wanted.imag = np.arange(own.shape[1]), own
            return self._sorted.searchsorted(wanted)
        at, step = self._starts - 1, self._width >> 1
        while step:
            at = at + step * (self._known.take(at + step) < own)
            step >>= 1
        return at + 1
