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
    """Places among peers whose values are sorted once: for a row now and a row then."""

    def __init__(self, peers: np.ndarray) -> None:
        """Take the peers' features, float64 (peers, features), NaN where unknown."""
        self._counts = (~np.isnan(peers)).sum(axis=0)
        # Sorted, and filled up with infinity to a power of two, for a search of all features at
        # once: one that looks a feature up after the other costs several times as much for a row.
        self._width = 1 << len(peers).bit_length()
        known = np.full((peers.shape[1], self._width), np.inf)
        known[:, : len(peers)] = np.sort(np.where(np.isnan(peers), np.inf, peers), axis=0).T
        self._known = known.ravel()
        self._before = np.arange(peers.shape[1]) * self._width - 1

    def __call__(self, own: np.ndarray) -> np.ndarray:
        """Return the places of rows, float32 (rows, features); unknown values take MIDDLE."""
        with np.errstate(over="ignore"):  # after the largest number comes infinity
            after = np.nextafter(own, np.inf)
        below, not_above = self._below(np.stack([own, after]))  # not above: below the number after
        has_place = ~np.isnan(own) & (self._counts > 0)
        place = (below + not_above) / np.maximum(2 * self._counts, 1) - 0.5
        return np.where(has_place, place, MIDDLE).astype(np.float32)

    def _below(self, own: np.ndarray) -> np.ndarray:
        """Return how many peers are below each value, (..., features), by a binary search."""
        found = np.broadcast_to(self._before, own.shape)
        step = self._width >> 1
        while step:
            further = found + step
            found = np.where(self._known.take(further) < own, further, found)
            step >>= 1
        return found - self._before
