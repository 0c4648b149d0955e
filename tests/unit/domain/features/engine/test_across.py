"""Statistics across tickers: by hand, with ties and gaps, and blind to who is absent."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from finpulse_assets.domain.features.engine import across
from finpulse_assets.domain.features.engine.across import Moments

NAN = float("nan")
# Two tickers of sector 0 and one of sector 1 in moment 0, two of sector 0 in moment 1.
MOMENT = np.array([0, 1, 0, 1, 0], np.int32)
SECTOR = np.array([0, 0, 0, 0, 1], np.int32)
VALUES = np.array([1.0, 5.0, 3.0, NAN, 8.0])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mean", [4.0, 5.0, 4.0, 5.0, 4.0]),
        ("deviation", [np.std([1, 3, 8], ddof=1), NAN] * 2 + [np.std([1, 3, 8], ddof=1)]),
        ("positive_share", [1.0] * 5),
        ("sector_mean", [2.0, NAN, 2.0, NAN, NAN]),  # a sector of one is no sector
        ("rank", [0.0, NAN, 0.5, NAN, 1.0]),  # alone there is no rank
    ],
)
def test_by_hand(name, expected):
    found = Moments(MOMENT, SECTOR).statistic(name, VALUES)
    np.testing.assert_allclose(found, expected, equal_nan=True)


def test_ties_share_their_rank():
    moments = Moments(np.zeros(4, np.int32), np.full(4, -1, np.int32))
    found = moments.statistic("rank", np.array([2.0, 1.0, 2.0, 3.0]))
    np.testing.assert_allclose(found, [0.5, 0.0, 0.5, 1.0])


def test_no_sector_has_no_mean():
    moments = Moments(MOMENT, np.full(5, -1, np.int32))
    assert np.isnan(moments.statistic("sector_mean", VALUES)).all()


@pytest.mark.parametrize("cells", [1, 7, 10_000])
def test_ranks_are_those_of_polars_whatever_the_size_of_a_table(monkeypatch, cells):
    monkeypatch.setattr(across, "_TABLE_CELLS", cells)
    random = np.random.default_rng(0)
    moment = random.integers(0, 40, 500).astype(np.int32)
    values = np.round(random.standard_normal(500), 1)
    values[random.random(500) < 0.1] = NAN
    found = Moments(moment, np.full(500, -1)).statistic("rank", values)
    frame = pl.DataFrame({"moment": moment, "value": pl.Series(values, nan_to_null=True)})
    rank, count = pl.col("value").rank("average"), pl.col("value").count()
    expected = frame.select(((rank - 1) / (count - 1)).over("moment")).to_series()
    np.testing.assert_allclose(found, expected.to_numpy(), equal_nan=True)


@pytest.mark.parametrize("name", ["mean", "deviation", "sector_mean", "rank"])
def test_a_ticker_that_comes_later_leaves_every_bit(name):
    random = np.random.default_rng(1)
    moment = np.repeat(np.arange(30), 20).astype(np.int32)
    sector = np.tile(np.arange(20) % 4, 30).astype(np.int32)
    values = random.standard_normal(600)
    before = Moments(moment, sector).statistic(name, values)
    more = Moments(np.append(moment, [30] * 9), np.append(sector, [7] * 9))
    after = more.statistic(name, np.append(values, random.standard_normal(9)))
    assert np.array_equal(before, after[:600], equal_nan=True)
