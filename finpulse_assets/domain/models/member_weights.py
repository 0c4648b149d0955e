"""What the members of an ensemble weigh: by how well they ranked what has matured.

A member's performance at a session is the mean rank IC of its predictions that had matured before
the session's decision, the older counting less. Few matured sessions say little, so the weights
begin equal and follow performance as it is gathered; a floor keeps every member in, a ceiling keeps
any from standing alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

HALF_LIFE_SESSIONS = 60.0  # after which a matured session counts half
TRUSTED_SESSIONS = (
    60.0  # matured sessions, in effect, at which performance counts as half the weight
)
FLOOR, CEILING = 0.4, 1.6  # of an equal weight
LEAST_RANKED = 3  # tickers of a session whose order says anything
FURTHEST = 1e-6  # of a probability from 0 and 1


@dataclass(frozen=True)
class MemberWeights:
    """What an ensemble knows of its members at each of its sessions, all of it before the decision.

    Attributes:
        days: the sessions, in their order.
        weights: float64 (sessions + 1, members), each row sums to 1; the last row is for what comes
            after: every session has matured.
        sizes: root mean square of the probits that each member has stated so far, same shape.
        return_sizes: the same of its expected returns, fractions.
    """

    days: pl.Series
    weights: np.ndarray
    sizes: np.ndarray
    return_sizes: np.ndarray


def member_weights(rows: pl.DataFrame, members: Sequence[str]) -> MemberWeights:
    """Return the weights of the members of an ensemble.

    Args:
        rows: predictions out of sample of all members on equal rows: candidate, session_date,
            probability_up, score, expected_return and return_next_session, with decision_at and
            exit_at (UTC).
        members: their names.
    """
    days = rows.group_by("session_date").agg(
        pl.col("decision_at").min(), pl.col("exit_at").max()
    ).sort("session_date")  # fmt: skip
    stated = rows.with_columns(probit=pl.Series(probits(rows["probability_up"].to_numpy())))
    size, return_size = (_so_far(stated, members, it) for it in ("probit", "expected_return"))
    quality = np.column_stack([_rank_ic(rows, name, days) for name in members])
    decided, ended = days["decision_at"].to_numpy(), days["exit_at"].to_numpy()
    weights = [
        _weights(quality[ended < at], np.flatnonzero(ended < at), here)
        for here, at in enumerate(decided)
    ]
    weights.append(_weights(quality, np.arange(len(days)), len(days)))
    return MemberWeights(
        days["session_date"],
        np.array(weights),
        np.vstack([size, size[-1:]]),
        np.vstack([return_size, return_size[-1:]]),
    )


def probits(probability: np.ndarray) -> np.ndarray:
    """Return the number of deviations that each probability stands for, float64."""
    from scipy.special import ndtri

    return ndtri(np.clip(probability, FURTHEST, 1 - FURTHEST))


def _rank_ic(rows: pl.DataFrame, member: str, days: pl.DataFrame) -> np.ndarray:
    """Return the rank IC of each session, NaN where it has none."""
    score, outcome = (pl.col(it).rank() for it in ("score", "return_next_session"))
    found = rows.filter(candidate=member).group_by("session_date").agg(
        ic=pl.when(pl.len() >= LEAST_RANKED).then(pl.corr(score, outcome))
    )  # fmt: skip
    return days.join(found, on="session_date", how="left", maintain_order="left")["ic"].to_numpy()


def _so_far(rows: pl.DataFrame, members: Sequence[str], column: str) -> np.ndarray:
    """Return the root mean square up to each session; predictions are known when they are made."""
    found = []
    for name in members:
        sums = rows.filter(candidate=name).group_by("session_date").agg(
            total=(pl.col(column) ** 2).sum(), rows=pl.len()
        ).sort("session_date")  # fmt: skip
        found.append((sums["total"].cum_sum() / sums["rows"].cum_sum()).sqrt().to_numpy())
    return np.column_stack(found)


def _weights(quality: np.ndarray, at: np.ndarray, here: int) -> np.ndarray:
    """Return the weights after matured sessions.

    Args:
        quality: their rank ICs, shape (matured sessions, members), NaN where there is none.
        at: their ordinals.
        here: the ordinal of the session that is decided.
    """
    members = quality.shape[1]
    counts = np.isfinite(quality).all(axis=1)
    age = 0.5 ** ((here - at[counts]) / HALF_LIFE_SESSIONS)
    gathered = float(age.sum())
    if not gathered:
        return np.full(members, 1 / members)
    mean = np.maximum(np.einsum("s,sm->m", age, quality[counts]) / gathered, 0.0)
    share = mean / mean.sum() if mean.sum() else np.full(members, 1 / members)
    trust = gathered / (gathered + TRUSTED_SESSIONS)
    return bounded((1 - trust) / members + trust * share)


def bounded(weights: np.ndarray) -> np.ndarray:
    """Return weights that keep floor and ceiling and sum to 1, shifted alike until they do.

    >>> bounded(np.array([0.9, 0.1])).round(3).tolist()
    [0.8, 0.2]
    >>> bounded(np.array([0.5, 0.3, 0.2])).round(3).tolist()
    [0.5, 0.3, 0.2]
    """
    equal = 1 / len(weights)
    low, high = -1.0, 1.0
    for _ in range(60):
        shift = (low + high) / 2
        held = np.clip(weights + shift, FLOOR * equal, CEILING * equal)
        low, high = (shift, high) if held.sum() < 1 else (low, shift)
    return held / held.sum()
