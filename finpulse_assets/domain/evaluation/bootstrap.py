"""How sure a score is: resampling blocks of consecutive sessions.

Drawing sessions, and recomputing metrics for all draws at once by one matrix product of draw counts
and per-session sums. All tickers of a session are drawn together, because they move together, and
so are neighbouring sessions, because volatility and trends last.
"""

from __future__ import annotations

import numpy as np

MIN_BLOCK = 5
# Scores are binned for the resampled AUC, pairs inside a bin count half. That pulls the AUC toward
# 0.5 by about 1/256 of its distance from it, far less than any interval's width.
AUC_BINS = 256


def block_length(session_count: int) -> int:
    """Return the sessions in a block: the cube root of the sessions, 5 (a week) at least.

    >>> [block_length(count) for count in (3, 60, 1000, 2744)]
    [3, 5, 10, 14]
    """
    return min(session_count, max(MIN_BLOCK, round(session_count ** (1 / 3))))


def draw_sessions(session_count: int, *, resamples: int, seed: int) -> np.ndarray:
    """Return the sessions that each resample draws, in the order drawn: circular moving blocks.

    Args:
        session_count: sessions in the period, in order of time.
        resamples: number of resamples.
        seed: equal seeds draw equal blocks, so that differences of predictors are paired.

    Returns:
        int ordinals of shape (resamples, session_count).
    """
    length = block_length(session_count)
    blocks = -(-session_count // length)
    random = np.random.default_rng(seed)
    starts = random.integers(session_count, size=(resamples, blocks))
    drawn = (starts[:, :, None] + np.arange(length)) % session_count
    return drawn.reshape(resamples, -1)[:, :session_count]


def draw_counts(session_count: int, *, resamples: int, seed: int) -> np.ndarray:
    """Return how often each resample of `draw_sessions` draws each session.

    Returns:
        float32 counts of shape (resamples, session_count); each row sums to session_count.
    """
    return counts_of(draw_sessions(session_count, resamples=resamples, seed=seed), session_count)


def counts_of(drawn: np.ndarray, session_count: int) -> np.ndarray:
    """Return how often each resample draws each session, float32 (resamples, session_count)."""
    resamples = len(drawn)
    drawn = drawn + np.arange(resamples)[:, None] * session_count
    counts = np.bincount(drawn.ravel(), minlength=resamples * session_count)
    return counts.reshape(resamples, session_count).astype(np.float32)


def auc_draws(
    score: np.ndarray, is_up: np.ndarray, session: np.ndarray, counts: np.ndarray
) -> np.ndarray:
    """Return the AUC of each resample.

    The AUC compares rows across sessions, so it has no per-session sum. But with the scores in
    bins it needs only the ups and downs of each bin, and those are sums over sessions.

    Args:
        score: float64 scores, shape (rows,).
        is_up: outcomes, bool, shape (rows,).
        session: ordinal of each row's session, below counts.shape[1], shape (rows,).
        counts: from `draw_counts`.

    Returns:
        float64 of shape (resamples,), NaN where a resample lacks a class.
    """
    bins = _bins(score)
    width = int(bins.max()) + 1
    sessions = counts.shape[1]
    cell = session * width + bins
    ups = _histogram(cell[is_up], sessions, width, counts)
    downs = _histogram(cell[~is_up], sessions, width, counts)
    below = np.cumsum(downs, axis=1) - downs / 2
    pairs = ups.sum(axis=1) * downs.sum(axis=1)
    wins = (ups * below).sum(axis=1)
    return np.divide(wins, pairs, out=np.full(len(counts), np.nan), where=pairs > 0)


def interval(draws: np.ndarray, *, level: float) -> tuple[float | None, float | None]:
    """Return the percentile interval of a metric's draws, None where it is never defined.

    >>> interval(np.arange(5.0), level=0.5)
    (1.0, 3.0)
    """
    defined = draws[np.isfinite(draws)]
    if not len(defined):
        return None, None
    lower, upper = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return float(lower), float(upper)


def _bins(score: np.ndarray) -> np.ndarray:
    distinct = np.unique(score)
    if len(distinct) > AUC_BINS:
        quantiles = np.quantile(score, np.linspace(0, 1, AUC_BINS + 1)[1:-1])
        distinct = np.unique(quantiles)
        return np.searchsorted(distinct, score, side="right")
    return np.searchsorted(distinct, score)


def _histogram(cell: np.ndarray, sessions: int, width: int, counts: np.ndarray) -> np.ndarray:
    """Return the resampled rows of each bin: exact in float32 below 16 million rows a bin."""
    by_session = np.bincount(cell, minlength=sessions * width).reshape(sessions, width)
    return (counts @ by_session.astype(np.float32)).astype(np.float64)
