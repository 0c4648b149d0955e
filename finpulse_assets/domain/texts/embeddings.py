"""Embeddings of texts as features: the mean of a ticker's texts, and of all texts, in few numbers.

The components are those along which the texts of the reference sessions differ most (PCA). They
are fitted on these alone: what was written later decides nothing about how it is read.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from finpulse_assets.contract import Column, Table
from finpulse_assets.schemas import SESSION_DATE, TICKER

COMPONENTS = 8
LEAST_TEXTS = 100  # of the reference; fewer say nothing of how texts differ

NAMES = tuple(f"{of}embedding_{n}" for of in ("", "market_") for n in range(1, COMPONENTS + 1))
TEXT_EMBEDDINGS = Table(
    name="features/text_embeddings",
    grain="one row per ticker and session with a text",
    known_at="known at the session's decision time",
    columns=(
        TICKER,
        SESSION_DATE,
        *(
            Column(
                name,
                pl.Float64,
                f"component {name.rsplit('_', 1)[1]} of the mean embedding of the "
                + ("session's texts of all tickers" if name.startswith("market") else
                   "ticker's texts of the session"),
                "deviations of the reference",
            )
            for name in NAMES
        ),
    ),
    key=("ticker", "session_date"),
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Components:
    """The directions in which the texts of a reference differ most.

    `mean` has shape (d,), `axes` (COMPONENTS, d), `scale` (COMPONENTS,): the deviation of the
    reference along each axis.
    """

    mean: np.ndarray
    axes: np.ndarray
    scale: np.ndarray

    @classmethod
    def fit(cls, vectors: np.ndarray) -> Components:
        """Fit on vectors of shape (n, d), n at least 2, d at least COMPONENTS.

        The sign of an axis is that of its largest entry, so equal vectors give equal axes.
        """
        mean = vectors.mean(axis=0, dtype=np.float64)
        centred = vectors.astype(np.float64) - mean
        variances, axes = np.linalg.eigh(centred.T @ centred / len(vectors))
        axes, variances = axes.T[::-1][:COMPONENTS], variances[::-1][:COMPONENTS]
        largest = np.take_along_axis(axes, np.abs(axes).argmax(axis=1)[:, None], axis=1)
        scale = np.sqrt(np.maximum(variances, 1e-12))
        return cls(mean, axes * np.sign(largest), scale)

    def __call__(self, vectors: np.ndarray) -> np.ndarray:
        """Return the components of vectors of shape (n, d), float64 of shape (n, COMPONENTS)."""
        return (vectors.astype(np.float64) - self.mean) @ self.axes.T / self.scale


def embedding_features(
    said: pl.DataFrame, vectors: np.ndarray, hashes: pl.Series, *, reference: pl.Series
) -> pl.DataFrame:
    """Return `TEXT_EMBEDDINGS`; without rows where the reference has fewer than LEAST_TEXTS texts.

    Args:
        said: ticker, session_date and text_hash, each text once a ticker and session.
        vectors: the embedding of each text, float of shape (n, d).
        hashes: the text_hash of each vector.
        reference: the sessions that the components are fitted on.
    """
    position = pl.DataFrame({"text_hash": hashes}).with_row_index("at")
    placed = said.join(position, on="text_hash").sort("session_date", "ticker", "text_hash")
    of_reference = placed.filter(pl.col("session_date").is_in(reference.implode()))
    at = of_reference["at"].unique().sort().to_numpy()
    if len(at) < LEAST_TEXTS:
        return TEXT_EMBEDDINGS.empty()
    reduced = pl.from_numpy(Components.fit(vectors[at])(vectors), schema=list(NAMES[:COMPONENTS]))
    texts = placed.hstack(reduced[placed["at"]])
    own, market = NAMES[:COMPONENTS], NAMES[COMPONENTS:]
    every = texts.unique(["session_date", "text_hash"], keep="first", maintain_order=True)
    of_all = every.group_by("session_date").agg(
        pl.col(name).mean().alias(of) for name, of in zip(own, market, strict=True)
    )
    of_ticker = texts.group_by("ticker", "session_date").agg(pl.col(own).mean())
    return TEXT_EMBEDDINGS.enforce(of_ticker.join(of_all, on="session_date"))
