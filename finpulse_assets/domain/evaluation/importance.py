"""Which features matter, and whether they still do in another fold.

An importance that changes from fold to fold is that of noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import polars as pl

from finpulse_assets.domain.evaluation.fits import Fits, KeptFits
from finpulse_assets.domain.evaluation.splits import Fold
from finpulse_assets.domain.evaluation.walk_forward import in_scales
from finpulse_assets.domain.models.candidate import Candidate
from finpulse_assets.domain.models.ensemble import Ensemble
from finpulse_assets.schemas import FOLD_IMPORTANCE

TOP = 20  # features that count as important in a fold
NAN = float("nan")


def importance_by_fold(
    frame: pl.DataFrame,
    folds: Sequence[Fold],
    candidates: Sequence[Candidate],
    ids: dict[str, str],
    *,
    kept: KeptFits | None = None,
) -> pl.DataFrame:
    """Return schemas.FOLD_IMPORTANCE: each feature's importance in the fit of each fold.

    Args:
        frame: the training frame.
        folds: of the walk-forward.
        candidates: those that may be promoted; one whose fits name no importance is left out,
            and an ensemble, whose members are shown.
        ids: candidate name -> candidate_id.
        kept: fits of before; what is there is not fitted again.
    """
    scaled, fits = in_scales(frame, candidates), Fits(frame, kept)
    parts = []
    for candidate in candidates:
        if isinstance(candidate, Ensemble):
            continue  # its members are here
        placed = scaled[candidate.scale]
        for fold in folds:
            train = placed.filter(pl.col("session_date").is_in(fold.train_sessions))
            fitted = fits.of(candidate, fold, train)
            if not hasattr(fitted, "importance"):
                break
            shares = fitted.importance().select("feature", "gain_share")
            parts.append(
                shares.with_columns(
                    candidate=pl.lit(candidate.name),
                    candidate_id=pl.lit(ids[candidate.name]),
                    fold=pl.lit(fold.index, pl.Int32),
                    importance_rank=pl.col("gain_share").rank("average", descending=True),
                )
            )
    return FOLD_IMPORTANCE.enforce(pl.concat(parts)) if parts else FOLD_IMPORTANCE.empty()


def rank_correlation(importance: pl.DataFrame) -> float:
    """Return the mean rank correlation of the importances of two folds, over all pairs of folds.

    1 where each fold puts the features in the same order, 0 where the orders have nothing to do
    with each other. NaN with fewer than two folds.

    Args:
        importance: schemas.FOLD_IMPORTANCE of one candidate.

    >>> folds = pl.DataFrame({"fold": [1, 1, 1, 2, 2, 2], "feature": ["a", "b", "c"] * 2,
    ...                       "importance_rank": [1.0, 2.0, 3.0, 1.0, 3.0, 2.0]})
    >>> rank_correlation(folds)
    0.5
    """
    wide = importance.pivot("fold", index="feature", values="importance_rank").drop("feature")
    pairs = [
        wide.select(pl.corr(one, other)).item() for one, other in combinations(wide.columns, 2)
    ]
    known = [it for it in pairs if it is not None and np.isfinite(it)]
    return float(np.mean(known)) if known else NAN


def share_among_top(importance: pl.DataFrame, *, top: int = TOP) -> pl.DataFrame:
    """Return feature, gain_share (mean over the folds) and top_share, the most important first.

    `top_share` is the share of the folds in which the feature is among the `top` ones.

    Args:
        importance: schemas.FOLD_IMPORTANCE of one candidate.
        top: how many features count as important.

    >>> folds = pl.DataFrame({"fold": [1, 1, 2, 2], "feature": ["a", "b"] * 2,
    ...                       "importance_rank": [1.0, 2.0, 1.0, 2.0],
    ...                       "gain_share": [0.75, 0.25, 1.0, 0.0]})
    >>> share_among_top(folds, top=1).rows()
    [('a', 0.875, 1.0), ('b', 0.125, 0.0)]
    """
    return (
        importance.group_by("feature")
        .agg(pl.col("gain_share").mean(), top_share=(pl.col("importance_rank") <= top).mean())
        .sort("gain_share", "feature", descending=[True, False])
    )
