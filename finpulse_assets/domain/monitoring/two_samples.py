"""Two samples of vectors: how well a classifier tells them apart, and how far apart they are.

Gretton et al. 2012, "A Kernel Two-Sample Test".
"""

from __future__ import annotations

import numpy as np
import polars as pl

FOLDS, RIDGE = 5, 1.0
BLOCK = 1000  # rows of a kernel at a time: the whole one of 6,000 texts would take 300 MB


def domain_auc(x: np.ndarray, is_recent: np.ndarray, session: np.ndarray) -> float:
    """Return how well a linear classifier tells recent texts, on sessions that it has not seen.

    Args:
        x: vectors, float64 of shape (n, d).
        is_recent: which of them, bool of shape (n,).
        session: number of each text's session; every fifth session of a period is a fold.
    """
    order = np.zeros(len(x), dtype=np.intp)
    for side in (is_recent, ~is_recent):
        order[side] = np.unique(session[side], return_inverse=True)[1]
    # A weight for each period, so that the larger one does not decide.
    weight = np.where(is_recent, 0.5 / max(1, is_recent.sum()), 0.5 / max(1, (~is_recent).sum()))
    scores = np.zeros(len(x))
    for fold in range(FOLDS):
        held = order % FOLDS == fold
        scores[held] = x[held] @ _discriminant(x[~held], is_recent[~held], weight[~held])
    return _auc(scores, is_recent)


def _discriminant(x: np.ndarray, is_recent: np.ndarray, weight: np.ndarray) -> np.ndarray:
    weight = weight / weight.sum()
    centred = x - weight @ x
    cov = (centred * weight[:, None]).T @ centred
    ridge = RIDGE * np.trace(cov) / len(cov) + 1e-12
    target = np.where(is_recent, 1.0, -1.0)
    return np.linalg.solve(cov + ridge * np.eye(len(cov)), (centred * weight[:, None]).T @ target)


def _auc(scores: np.ndarray, is_recent: np.ndarray) -> float:
    ranks = pl.Series(scores).rank().to_numpy()
    ones = int(is_recent.sum())
    zeros = len(scores) - ones
    if not ones or not zeros:
        return 0.5
    return float((ranks[is_recent].sum() - ones * (ones + 1) / 2) / (ones * zeros))


def mmd_with_p_value(
    x: np.ndarray, session: np.ndarray, first_recent: int, *, permutations: int
) -> tuple[float, float]:
    """Return the MMD between the sessions from `first_recent` on and those before, and its p-value.

    The kernel is Gaussian, its width the median distance (of a fixed sample). The p-value is the
    share of draws of as many sessions whose MMD is as large, itself included; seed fixed.
    """
    count = int(session.max()) + 1
    sums = _kernel_by_session(x, session, count)
    sizes = np.bincount(session, minlength=count).astype(np.float64)
    observed = np.arange(count) >= first_recent
    rng = np.random.default_rng(0)
    drawn = np.array([observed, *(rng.permutation(observed) for _ in range(permutations))])
    one, other = drawn.astype(np.float64), (~drawn).astype(np.float64)
    n, m = one @ sizes, other @ sizes
    half = one @ sums
    within, across = (half * one).sum(axis=1) / n**2, (half * other).sum(axis=1) / (n * m)
    squared = within + ((other @ sums) * other).sum(axis=1) / m**2 - 2 * across
    p_value = float((squared >= squared[0] - 1e-12).mean())
    return float(np.sqrt(max(squared[0], 0.0))), p_value


def _kernel_by_session(x: np.ndarray, session: np.ndarray, count: int) -> np.ndarray:
    """Return the sums of the kernel over the texts of each pair of sessions, (count, count)."""
    norms = (x**2).sum(axis=1)
    some = np.linspace(0, len(x) - 1, min(len(x), 500)).astype(np.intp)
    distances = norms[some, None] + norms[None, some] - 2 * x[some] @ x[some].T
    width = float(np.median(distances[np.triu_indices(len(some), 1)])) or 1.0
    member = np.zeros((count, len(x)))
    member[session, np.arange(len(x))] = 1
    sums = np.zeros((count, count))
    for start in range(0, len(x), BLOCK):
        rows = slice(start, start + BLOCK)
        squared = norms[rows, None] + norms[None, :] - 2 * x[rows] @ x.T
        sums += member[:, rows] @ np.exp(-np.maximum(squared, 0) / width) @ member.T
    return sums
