"""The proof of the champion, reviewed on what the lake holds of its predictions."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from finpulse_assets.domain.evaluation.promotion import Promotion
from finpulse_assets.domain.evaluation.proof import proof_lost
from finpulse_assets.domain.monitoring.live_quality import (
    judged_outcomes,
    measure_quality,
    record_of,
)
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.models.model_store import ModelStore
from finpulse_assets.orchestration.run.clock import RunClock
from finpulse_assets.schemas import LIVE_QUALITY, OUTCOMES, SESSIONS, TEXT_SENTIMENT


@dataclass(frozen=True)
class Review:
    """What was measured, and the decision in force after it (None before the first)."""

    quality: pl.DataFrame
    decision: Promotion | None


def review_proof(
    lake: Lake, models: ModelStore, clock: RunClock, *, resamples: int, cost_bps: float
) -> Review:
    """Measure the champion on its matured predictions, and take its proof where it is lost.

    Args:
        lake: where outcomes, scores and sessions lie.
        models: where the decision in force lies, and where a loss is added.
        clock: of the run.
        resamples: bootstrap resamples.
        cost_bps: what a trade costs, in basis points of its size.
    """
    decision = models.promotion()
    if decision is None:
        return Review(LIVE_QUALITY.empty(), None)
    champion = decision.champion
    quality = measure_quality(
        judged_outcomes(lake.read_or_empty(OUTCOMES).collect(), champion),
        up_rate=models.load(champion.candidate_id).up_rate,
        model_version=champion.candidate_id,
        resamples=resamples,
    )
    if not champion.is_proven:
        return Review(quality, decision)
    sessions = lake.scan(SESSIONS).filter(pl.col("decision_at") <= clock.as_of).collect()
    since = pl.col("session_date") >= champion.proven_since.date()
    history = lake.read_or_empty(LIVE_QUALITY).filter(since).collect()
    lost = proof_lost(
        champion,
        record_of(quality, history, champion, sessions, cost_bps=cost_bps),
        scored_by=newest_scorer(lake),
        decided_at=clock.as_of,
    )
    # Only about the decision that was judged: another run may have promoted meanwhile.
    return Review(quality, models.decide(lambda now: lost if now == decision else None))


def newest_scorer(lake: Lake) -> str:
    """Return the fingerprint of the sentiment model of the newest scores, "" without scores."""
    for month in reversed(lake.partitions(TEXT_SENTIMENT)):
        newest = (
            lake.scan(TEXT_SENTIMENT, [month])
            .filter(pl.col("first_known_at") == pl.col("first_known_at").max())
            .select("model_fingerprint")
            .collect()
        )
        if newest.height:
            return newest["model_fingerprint"][0]
    return ""
