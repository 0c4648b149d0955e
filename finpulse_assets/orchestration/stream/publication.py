"""Publication: the live features and signals of some tickers take the place of their rows.

Where replicas of the service read an online store, it gets them too: its answers follow the stream.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from datetime import datetime

import polars as pl

from finpulse_assets.contract import Table
from finpulse_assets.domain.features.online import LIVE_FEATURES, ONLINE_FEATURES
from finpulse_assets.domain.models.registry import Model
from finpulse_assets.domain.predictions.signals import signals_of
from finpulse_assets.errors import ServiceError
from finpulse_assets.gateways.lake.lake import WHOLE, Lake
from finpulse_assets.gateways.models.model_store import ModelStore
from finpulse_assets.gateways.serving.online_store import OnlineStore
from finpulse_assets.schemas import LIVE_SIGNALS

log = logging.getLogger(__name__)


class Publication:
    """Publishes what the champion says of live features."""

    def __init__(
        self,
        lake: Lake,
        models: ModelStore,
        calendar: pl.DataFrame,
        store: OnlineStore | None = None,
    ) -> None:
        """Take where tables and models lie; each publication looks up the champion."""
        self._lake, self._models, self._calendar = lake, models, calendar
        self._store = store
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
        with self._lake.locked(LIVE_FEATURES):  # so that the store gets the newer table last
            # Features after signals: who sees them finds the signal too.
            live = self._put(LIVE_FEATURES, features.filter(own))
            if self._store is not None:
                decided = self._lake.read_or_empty(ONLINE_FEATURES).collect()
                others = decided.join(live, on="ticker", how="anti")
                self._reach(self._store, pl.concat([live, others]))
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

    def _reach(self, store: OnlineStore, features: pl.DataFrame) -> None:
        """Publish to the store; while it is away, what it had stays, and the stream goes on."""
        try:
            store.publish(features)
        except ServiceError as error:
            log.warning("the online store keeps what it had: %s", error)

    def _put(self, table: Table, rows: pl.DataFrame) -> pl.DataFrame:
        """Put rows into the place of those of their tickers, and return the table."""
        with self._lake.locked(table):
            held = self._lake.read_or_empty(table).collect()
            whole = pl.concat([held.join(rows, on="ticker", how="anti"), rows])
            self._lake.replace(table, whole, [WHOLE])
        return whole
