"""The quality of feature values: missing, outlying, constant, duplicate, moved.

The profile of a build, and what is wrong with it, with the offending rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from finpulse_assets.contract import Column, Table
from finpulse_assets.domain.features.feature import Feature

MAX_MISSING = 0.10
OUTLIER_SIGMAS = 5
MAX_OUTLIERS = 0.20
DUPLICATE_CORRELATION = 0.995
MOVED_PSI = 0.25  # the usual "has changed" of a population stability index
EXAMPLES = 5
_SAMPLE_ROWS = 100_000
_KEY = ("ticker", "session_date")
_DECILES = tuple(f"decile_{number}" for number in range(1, 10))
_SHARES = tuple(f"share_{number}" for number in range(1, 11))
_SMALLEST_SHARE = 1e-4  # of an empty bin, so that no logarithm is infinite
_LEAST_SPREAD = 1e-9  # of the squares: less is rounding, the column is constant there
_NORMAL_MAD = 1.4826  # a normal deviation over its median absolute deviation


def _bounds(at: int) -> str:
    """Return the bounds of a bin in words.

    >>> _bounds(0), _bounds(1), _bounds(9)
    ('ends at decile_1', 'lies above decile_1, to decile_2', 'lies above decile_9')
    """
    if at == 0:
        return f"ends at {_DECILES[0]}"
    upper = f", to {_DECILES[at]}" if at < len(_DECILES) else ""
    return f"lies above {_DECILES[at - 1]}{upper}"


FEATURE_PROFILE = Table(
    name="monitoring/feature_profile",
    grain="one row per feature of the last accepted build",
    known_at="known when the build was accepted",
    columns=(
        Column("feature", pl.String, "the model input"),
        Column("family", pl.String, "its family in the registry"),
        Column("row_count", pl.Int64, "rows past the feature's warm-up", "rows"),
        Column("missing_share", pl.Float64, "share of those rows without a value", "0 to 1"),
        Column("median", pl.Float64, "middle value", "as the feature", nullable=True),
        Column("robust_sigma", pl.Float64, "1.4826 x the median absolute deviation",
               "as the feature", nullable=True),
        Column("minimum", pl.Float64, "smallest value", "as the feature", nullable=True),
        Column("maximum", pl.Float64, "largest value", "as the feature", nullable=True),
        Column("outlier_count", pl.Int64, f"values more than {OUTLIER_SIGMAS} robust sigmas from "
               "the median; 0 where sigma is 0", "rows"),
        *(Column(name, pl.Float64, f"{name[-1]}0 % of the values are at or below it",
                 "as the feature", nullable=True) for name in _DECILES),
        *(Column(name, pl.Float64, f"share of the values in the bin that {_bounds(at)}; 0 where "
                 "both bounds are equal", "0 to 1", nullable=True)
          for at, name in enumerate(_SHARES)),
    ),
    key=("feature",),
)  # fmt: skip


@dataclass(frozen=True)
class Trouble:
    """What is wrong with one feature, and some rows that show it (key and value)."""

    feature: str
    what: str
    rows: pl.DataFrame


def warm_values(features: pl.DataFrame, feature: Feature) -> pl.DataFrame:
    """Return ticker, session_date and the value (Float64, null where missing) of warm rows.

    Args:
        features: one row per ticker and session: bars_seen and every feature.
        feature: which one.
    """
    warm = features.filter(pl.col("bars_seen") >= feature.warm_up)
    value = pl.col(feature.name).cast(pl.Float64).fill_nan(None)
    return warm.select(*_KEY, value)


def profile(features: pl.DataFrame, listed: Sequence[Feature]) -> pl.DataFrame:
    """Return `FEATURE_PROFILE` of a build.

    Args:
        features: as for `warm_values`.
        listed: the features to look at.
    """
    rows = [_profile_row(warm_values(features, feature), feature) for feature in listed]
    return FEATURE_PROFILE.enforce(pl.DataFrame(rows, schema=FEATURE_PROFILE.polars_schema))


def _profile_row(warm: pl.DataFrame, feature: Feature) -> dict[str, object]:
    values = warm[feature.name].drop_nulls()
    median, sigma = _robust(values)
    shares = [number / 10 for number in range(1, 10)]
    deciles = [values.quantile(share, "nearest") for share in shares]
    filled = _shares(values.to_numpy(), deciles) if len(values) else [None] * len(_SHARES)
    return {
        "feature": feature.name,
        "family": feature.family,
        "row_count": warm.height,
        "missing_share": 1 - len(values) / warm.height if warm.height else 0.0,
        "median": median,
        "robust_sigma": sigma,
        "minimum": values.min(),
        "maximum": values.max(),
        "outlier_count": int(_outlying(values, median, sigma).sum()),
        **dict(zip(_DECILES, deciles, strict=True)),
        **dict(zip(_SHARES, filled, strict=True)),
    }


def _robust(values: pl.Series) -> tuple[float | None, float | None]:
    if values.is_empty():
        return None, None
    median = values.median()
    return median, _NORMAL_MAD * (values - median).abs().median()


def _outlying(values: pl.Series, median: float | None, sigma: float | None) -> pl.Series:
    if not sigma:
        return pl.Series([False] * len(values), dtype=pl.Boolean)
    return (values - median).abs() > OUTLIER_SIGMAS * sigma


def missing(
    features: pl.DataFrame, listed: Sequence[Feature], profiled: pl.DataFrame
) -> list[Trouble]:
    """Return the features that lack more than MAX_MISSING of their warm rows.

    A sparse feature may: no text and no sector are states of the world, not a lack of data.
    """
    shares = dict(profiled.select("feature", "missing_share").iter_rows())
    troubles = []
    for feature in listed:
        if feature.sparse or shares[feature.name] <= MAX_MISSING:
            continue
        warm = warm_values(features, feature)
        absent = warm.filter(pl.col(feature.name).is_null())
        reason = f", null where {feature.undefined}" if feature.undefined else ""
        what = f"{shares[feature.name]:.1%} of {warm.height:,} warm rows have no value{reason}"
        troubles.append(Trouble(feature.name, what, absent.head(EXAMPLES)))
    return troubles


def outliers(
    features: pl.DataFrame, listed: Sequence[Feature], profiled: pl.DataFrame
) -> list[Trouble]:
    """Return the features with more than MAX_OUTLIERS of their values far out, furthest first.

    Their number stands in the profile for all; a feature in units of price or volume spreads as
    widely as the tickers' sizes do, which is no trouble.
    """
    by_name = {feature.name: feature for feature in listed if feature.scale_free}
    many = pl.col("outlier_count") > MAX_OUTLIERS * pl.col("row_count")
    troubles = []
    for row in profiled.filter(many & pl.col("feature").is_in(list(by_name))).iter_rows(named=True):
        warm = warm_values(features, by_name[row["feature"]]).drop_nulls()
        value = pl.col(row["feature"])
        far = warm.sort((value - row["median"]).abs(), descending=True).head(EXAMPLES)
        what = (
            f"{row['outlier_count']:,} of {row['row_count']:,} values lie beyond {OUTLIER_SIGMAS} "
            f"robust sigmas ({row['robust_sigma']:.4g}) of the median {row['median']:.4g}"
        )
        troubles.append(Trouble(row["feature"], what, far))
    return troubles


def constants_and_duplicates(features: pl.DataFrame, listed: Sequence[Feature]) -> list[Trouble]:
    """Return the features that never vary, and those that repeat one listed before them."""
    sample = features
    if features.height > _SAMPLE_ROWS:
        sample = features.gather_every(-(-features.height // _SAMPLE_ROWS))
    names = [feature.name for feature in listed]
    values = sample.select(pl.col(names).cast(pl.Float64).fill_null(np.nan)).to_numpy()
    troubles, varying = [], []
    for at, name in enumerate(names):
        known = values[~np.isnan(values[:, at]), at]
        if len(known) and known.min() == known.max():
            rows = sample.select(*_KEY, name).drop_nulls().head(EXAMPLES)
            troubles.append(Trouble(name, f"all {len(known):,} values are {known[0]:g}", rows))
        elif len(known):
            varying.append(at)
    for one, other, found in _alike(values[:, varying]):
        name, twin = names[varying[other]], names[varying[one]]
        rows = sample.select(*_KEY, name, twin).drop_nulls().head(EXAMPLES)
        troubles.append(Trouble(name, f"its correlation with {twin} is {found:.4f}", rows))
    return troubles


def _alike(values: np.ndarray) -> list[tuple[int, int, float]]:
    """Return the pairs of columns that repeat each other on the rows that both have.

    Every pair has rows of its own, but their sums are products of whole matrices: of the values,
    their squares, and the flags of what is known. A column that is constant on the rows that it
    shares with another has no correlation with it.
    """
    flags = (~np.isnan(values)).astype(float)
    centred = np.where(np.isnan(values), 0.0, values - np.nanmean(values, axis=0))
    scale = np.sqrt((centred**2).sum(axis=0) / flags.sum(axis=0))
    centred /= scale
    count = flags.T @ flags
    total = centred.T @ flags  # of each column, over the rows that the other has too
    squares = (centred**2).T @ flags
    shared = np.maximum(count, 1)
    covariance = centred.T @ centred - total * total.T / shared
    spread = squares - total**2 / shared
    varies = spread > _LEAST_SPREAD * squares
    scale = np.sqrt(np.where(varies & varies.T, spread * spread.T, np.inf))
    found = np.clip(covariance / scale, -1, 1)
    alike = (np.abs(found) > DUPLICATE_CORRELATION) & (count > 2)
    pairs = zip(*np.nonzero(np.triu(alike, 1)), strict=True)
    return [(int(one), int(other), float(found[one, other])) for one, other in pairs]


def moved(
    features: pl.DataFrame, listed: Sequence[Feature], accepted: pl.DataFrame
) -> list[Trouble]:
    """Return the features whose values are spread otherwise than in the last accepted build.

    The measure is the population stability index over the accepted deciles, against the shares
    that the accepted values had between them: 0 for the same values, however many are equal.

    Args:
        features: as for `warm_values`.
        listed: the features to look at; those that the accepted build lacks are new, not moved.
        accepted: `FEATURE_PROFILE` of the accepted build.
    """
    past = {row["feature"]: row for row in accepted.iter_rows(named=True)}
    troubles = []
    for feature in listed:
        row = past.get(feature.name)
        if row is None or row["decile_1"] is None:
            continue
        warm = warm_values(features, feature).drop_nulls()
        found = stability_index(
            warm[feature.name].to_numpy(),
            deciles=[row[name] for name in _DECILES],
            shares=[row[name] for name in _SHARES],
        )
        if found > MOVED_PSI:
            what = f"its population stability index against the accepted build is {found:.2f}"
            troubles.append(Trouble(feature.name, what, warm.tail(EXAMPLES)))
    return troubles


def stability_index(
    values: np.ndarray, *, deciles: Sequence[float], shares: Sequence[float]
) -> float:
    """Return the population stability index: the sum of (new - old share) x ln(new / old).

    Args:
        values: the new values, none of them missing; without any the index is 0.
        deciles: the nine bounds of the ten bins, ascending; equal ones leave an empty bin.
        shares: the old share of each bin, 0 to 1.

    >>> deciles, shares = np.arange(10, 100, 10), [0.1] * 10
    >>> round(stability_index(np.arange(1, 101), deciles=deciles, shares=shares), 6)
    0.0
    """
    if not len(values):
        return 0.0
    new = np.maximum(_shares(values, deciles), _SMALLEST_SHARE)
    old = np.maximum(shares, _SMALLEST_SHARE)
    return float(((new - old) * np.log(new / old)).sum())


def _shares(values: np.ndarray, deciles: Sequence[float]) -> np.ndarray:
    """Return the share of the values in each of the ten bins; a bound belongs to the lower one."""
    bins = np.searchsorted(np.asarray(deciles, float), values, side="left")
    return np.bincount(bins, minlength=len(_SHARES)) / len(values)
