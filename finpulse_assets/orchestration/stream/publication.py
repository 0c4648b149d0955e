"""Publication: the live features and signals of some tickers take the place of their rows."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import polars as pl

from finpulse_assets.contract import Table
from finpulse_assets.domain.features.online import LIVE_FEATURES
from finpulse_assets.domain.models.registry import Model
from finpulse_assets.domain.predictions.signals import signals_of
from finpulse_assets.gateways.lake.lake import WHOLE, Lake
from finpulse_assets.gateways.models.model_store import ModelStore
from finpulse_assets.schemas import LIVE_SIGNALS


class Publication:
    """Publishes what the champion says of live features."""

    def __init__(self, lake: Lake, models: ModelStore, calendar: pl.DataFrame) -> None:
        """Take where tables and models lie; each publication looks up the champion."""
        self._lake, self._models, self._calendar = lake, models, calendar
        self._model: Model | None = None

    def publish(
        self, features: pl.DataFrame, tickers: Collection[str] | None, moment: datetime
    ) -> int:
        """Publish the rows of some tickers, None for all, and return how many.

        Args:
            features: `LIVE_FEATURES` of every ticker, for a signal is one of an order.
            tickers: whose rows have changed.
            moment: when it was known (UTC).

        Raises:
            ModelError: the champion cannot be read.
            LakeError: a table cannot be written.
        """
        signals = self._signals(features, moment)
        own = pl.lit(True) if tickers is None else pl.col("ticker").is_in(sorted(tickers))
        self._put(LIVE_SIGNALS, signals.filter(own))
        self._put(LIVE_FEATURES, features.filter(own))  # last: who sees it finds the signal too
        return features.filter(own).height

    def _signals(self, features: pl.DataFrame, moment: datetime) -> pl.DataFrame:
        decision = self._models.promotion()
        if decision is None:  # before the first promotion there are features alone
            return LIVE_SIGNALS.empty()
        champion = decision.champion
        if self._model is None or self._model.candidate_id != champion.candidate_id:
            self._model = self._models.load(champion.candidate_id)
        signals = signals_of(
            self._model,
            features,
            self._calendar,
            session_date=features["session_date"].max(),
            predicted_at=moment,
            skills=champion.skills,
            model_version=champion.candidate_id,
        )
        return LIVE_SIGNALS.enforce(signals)

    def _put(self, table: Table, rows: pl.DataFrame) -> None:
        with self._lake.locked(table):
            held = self._lake.read_or_empty(table).collect()
            others = held.join(rows, on="ticker", how="anti")
            self._lake.replace(table, pl.concat([others, rows]), [WHOLE])
