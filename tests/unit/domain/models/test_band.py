"""The conformal band: it holds what it says, and where it does not, its coverage says so."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from finpulse_assets.domain.models.band import QUANTILES, Band, band_of


def predictions(*, sessions: int = 400, tickers: int = 10, later_scale: float = 1.0, seed: int = 0):
    """Return predictions whose errors grow by `later_scale` in the second half."""
    random = np.random.default_rng(seed)
    rows = sessions * tickers
    scale = np.where(np.arange(rows) < rows / 2, 1.0, later_scale)
    expected = 0.01 * random.standard_normal(rows)
    days = [date(2020, 1, 1) + timedelta(days=at) for at in range(sessions)]
    return pl.DataFrame(
        {
            "session_date": [day for day in days for _ in range(tickers)],
            "expected_return": expected,
            # Skewed: falls are deeper than rises are high.
            "return_next_session": expected - 0.01 * scale * (random.exponential(size=rows) - 1),
        }
    )


@pytest.mark.parametrize("level", [0.8, 0.9])
def test_the_band_holds_new_outcomes_as_often_as_it_says(level):
    band = band_of(predictions(), level=level)
    new = predictions(seed=1)
    lower, upper = band.around(new["expected_return"].to_numpy())
    held = new["return_next_session"].is_between(pl.Series(lower), pl.Series(upper)).mean()
    assert held == pytest.approx(level, abs=0.02)
    assert band.coverage == pytest.approx(level, abs=0.03)
    assert -band.lower > 1.3 * band.upper, "each end has its own error"


def test_a_market_that_has_changed_shows_in_the_coverage():
    assert band_of(predictions(later_scale=3.0)).coverage < 0.75


def test_too_few_errors_give_no_band():
    """An end of 90 % needs 19 errors in each half."""
    assert band_of(predictions(sessions=37, tickers=1)) is None
    assert band_of(predictions(sessions=38, tickers=1)) is not None


def test_a_band_comes_back():
    band = band_of(predictions())
    assert Band.from_dict(band.to_dict()) == band


def test_quantiles_rise_and_hold_new_outcomes_as_often_as_they_say():
    band, new = band_of(predictions()), predictions(seed=1)
    at = band.quantiles_around(new["expected_return"].to_numpy())
    assert (at[0] < at[1]).all()
    assert (at[1] < at[2]).all()
    below = [(new["return_next_session"].to_numpy() < it).mean() for it in at]
    assert below == pytest.approx(QUANTILES, abs=0.03)
    assert band.shares == pytest.approx(QUANTILES, abs=0.04)
    assert band_of(predictions(later_scale=3.0)).shares[0] > 0.15, "a changed market shows"


def test_a_band_of_former_code_has_no_quantiles():
    former = {
        name: it for name, it in band_of(predictions()).to_dict().items()
        if name not in ("quantiles", "shares")
    }  # fmt: skip
    assert Band.from_dict(former).quantiles_around(np.zeros(2)) == ()
