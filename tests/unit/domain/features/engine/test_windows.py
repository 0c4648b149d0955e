"""Windows against the plain definition, window by window."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from finpulse_assets.domain.features.engine.windows import Windows, correlation, covariance, lagged

VALUES = np.random.default_rng(0).standard_normal(200) * 3 + 100
BARS = (1, 2, 3, 5, 14, 20, 50, 60, 63, 64, 65, 120, 199, 200)


def plain(values: np.ndarray, bars: int, statistic) -> np.ndarray:
    every = np.lib.stride_tricks.sliding_window_view(values, bars)
    return np.array([statistic(window) for window in every])


@pytest.mark.parametrize("bars", BARS)
@pytest.mark.parametrize(
    ("method", "statistic"),
    [
        ("sum", np.sum), ("mean", np.mean), ("highest", np.max), ("lowest", np.min),
        ("ramp", lambda window: (np.arange(len(window))[::-1] * window).sum()),
    ],
    ids=["sum", "mean", "highest", "lowest", "ramp"],
)  # fmt: skip
def test_a_window_is_what_its_values_say(method, statistic, bars):
    found = getattr(Windows(VALUES), method)(bars)[bars - 1 :]
    np.testing.assert_allclose(found, plain(VALUES, bars, statistic), rtol=1e-12)


@pytest.mark.parametrize("bars", [bars for bars in BARS if bars > 1])
def test_variance_and_rank(bars):
    windows = Windows(VALUES)
    variances = plain(VALUES, bars, lambda window: window.var(ddof=1))
    np.testing.assert_allclose(windows.variance(bars)[bars - 1 :], variances, rtol=1e-11)
    ranks = plain(VALUES, bars, lambda window: (window[:-1] < window[-1]).mean())
    np.testing.assert_allclose(windows.rank(bars)[bars - 1 :], ranks, rtol=1e-12)


def test_the_variance_keeps_its_digits_far_from_zero():
    """A price of a million that moves by cents: two large sums would leave nothing."""
    small = np.random.default_rng(1).standard_normal(100) / 100
    found = Windows(small + 1e6).variance(20)[19:]
    np.testing.assert_allclose(found, plain(small, 20, lambda it: it.var(ddof=1)), rtol=1e-6)


@pytest.mark.parametrize("level", [0.1, 1 / 3, 50.0, 1e-4, 123456.789])
@pytest.mark.parametrize("bars", [14, 20, 50, 60])
def test_the_variance_of_a_constant_is_zero(level, bars):
    assert (Windows(np.full(100, level)).variance(bars)[bars - 1 :] == 0).all()


def test_ties_count_half():
    assert Windows(np.array([1.0, 1.0, 2.0, 1.0])).rank(4)[3] == pytest.approx(1 / 3)


@pytest.mark.parametrize("spoil", [np.nan, np.inf])
def test_what_is_no_number_is_forgotten_with_its_bar(spoil):
    values = VALUES.copy()
    values[80] = spoil
    with np.errstate(invalid="ignore"):
        for method in ("sum", "variance", "highest", "rank"):
            found = getattr(Windows(values), method)(20)
            clean = getattr(Windows(VALUES), method)(20)
            outside = np.r_[19:80, 100:200]
            assert np.array_equal(found[outside], clean[outside]), method


@given(st.integers(20, 199), st.integers(0, 150))
def test_a_value_depends_on_its_window_alone(end, begin):
    """Any later end and any earlier start: the same bits."""
    begin = min(begin, end - 20)
    part, whole = Windows(VALUES[begin : end + 1]), Windows(VALUES)
    for method in ("sum", "variance", "highest", "ramp"):
        assert getattr(part, method)(20)[-1] == getattr(whole, method)(20)[end], method


@given(arrays.arrays(np.float64, 70, elements=st.floats(-1e3, 1e3, width=32)))
def test_extremes_bound_the_mean(values):
    windows = Windows(values)
    low, middle, high = windows.lowest(30)[29:], windows.mean(30)[29:], windows.highest(30)[29:]
    assert (low <= middle + 1e-9).all()
    assert (middle <= high + 1e-9).all()
    assert (windows.variance(30)[29:] >= 0).all()


def test_covariance_and_correlation():
    one, other = VALUES, np.random.default_rng(2).standard_normal(200) + 0.5 * VALUES
    products = Windows(one * other)
    found = covariance(products, Windows(one), Windows(other), 50)[49:]
    spans = [slice(at - 49, at + 1) for at in range(49, 200)]
    expected = [np.cov(one[span], other[span])[0, 1] for span in spans]
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert np.isnan(correlation(np.array([0.0]), np.array([0.0]), np.array([1.0]))).all()


def test_a_window_longer_than_the_series_is_no_error():
    assert len(Windows(VALUES[:3]).variance(20)) == 3
    assert np.isnan(lagged(VALUES[:3], 20)).all()
