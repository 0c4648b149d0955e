"""Places within the session: by hand, as properties, and the same at serving as in training."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from finpulse_assets.domain.models.places import PlacesAmong, places, places_among
from finpulse_assets.errors import ModelError

DAY = date(2024, 7, 2)
VALUES = st.lists(
    st.one_of(st.none(), st.integers(-5, 5).map(float), st.just(float("nan"))), min_size=1,
    max_size=12,
)  # fmt: skip


def of_one_day(values: list[float | None]) -> pl.DataFrame:
    return pl.DataFrame(
        {"session_date": [DAY] * len(values), "rsi": pl.Series(values, dtype=pl.Float64)}
    )


@given(VALUES)
def test_a_place_is_between_its_ends_and_places_add_up_to_nothing(values):
    found = places(of_one_day(values), ["rsi"])["rsi"]
    assert found.dtype == pl.Float32
    assert found.is_between(-0.5, 0.5).all()
    assert found.cast(pl.Float64).sum() == pytest.approx(0, abs=1e-5)


@given(VALUES)
def test_a_peer_has_the_same_place_served_alone_as_in_training(values):
    """Defect it prevents: a model that is served other inputs than those it was trained on."""
    frame = of_one_day(values)
    together = places(frame, ["rsi"])["rsi"].to_list()
    alone = [places_among(row, frame, ["rsi"])["rsi"][0] for row in frame.iter_slices(1)]
    assert alone == together


@given(VALUES, VALUES)
def test_a_place_is_the_share_of_the_known_peers_below(peers, values):
    """By the definition, one after the other, the ends of what a float64 can be among them."""
    ends = [0.0, -0.0, 5e-324, -5e-324, 1.7976931348623157e308, -1.7976931348623157e308]
    peers, values = [*peers, *ends], [*values, *ends]
    known = [it for it in peers if it is not None and not np.isnan(it)]
    expected = [
        0.0 if it is None or np.isnan(it) else
        (sum(k < it for k in known) + sum(k <= it for k in known)) / (2 * len(known)) - 0.5
        for it in values
    ]  # fmt: skip
    place = PlacesAmong(np.array([peers], dtype=float).T)
    rows = np.array([values], dtype=float).T
    assert place(rows)[:, 0].tolist() == np.array(expected, dtype=np.float32).tolist()
    alone = np.concatenate([place(rows[at : at + 1]) for at in range(len(rows))])
    assert np.array_equal(place(rows), alone)


def test_features_are_searched_together_and_keep_apart():
    random = np.random.default_rng(7)
    peers, rows = (random.integers(-4, 5, (count, 5)).astype(float) for count in (30, 40))
    peers[random.random(peers.shape) < 0.2] = rows[random.random(rows.shape) < 0.2] = np.nan
    peers[:, 3] = np.nan  # a feature that no peer knows
    together = PlacesAmong(peers)(rows)
    alone = [PlacesAmong(peers[:, [at]])(rows[:, [at]])[:, 0] for at in range(5)]
    assert np.array_equal(together, np.stack(alone, axis=1))
    one_by_one = np.concatenate([PlacesAmong(peers)(row[None]) for row in rows])
    assert np.array_equal(together, one_by_one)


def test_what_moves_a_whole_session_has_no_place():
    frame = pl.concat(
        [
            of_one_day([1.0, 2.0, 3.0]),
            of_one_day([101.0, 102.0, 103.0]).with_columns(
                session_date=pl.lit(DAY + timedelta(days=1))
            ),
        ]
    )
    shifted = places(frame, ["rsi"])["rsi"].to_list()
    assert shifted[:3] == shifted[3:]
    same = of_one_day([7.0] * 4)
    assert places(same, ["rsi"])["rsi"].to_list() == [0.0] * 4


def test_unknown_values_take_the_middle_and_no_place_from_the_others():
    found = places(of_one_day([1.0, None, 3.0]), ["rsi"])["rsi"].to_list()
    assert found == [-0.25, 0.0, 0.25]
    none_known = of_one_day([None, None])
    assert places(none_known, ["rsi"])["rsi"].to_list() == [0.0, 0.0]
    assert places_among(of_one_day([3.0]), none_known, ["rsi"])["rsi"].to_list() == [0.0]


def test_a_missing_feature_is_named():
    with pytest.raises(ModelError, match="lacks 1 of the model's 2 features: vix"):
        places(of_one_day([1.0]), ["rsi", "vix"])
