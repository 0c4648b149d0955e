"""Features and training sets built once more: as of an earlier time, or for the auditor.

Which raw tables a build stands on, and the whole way from them to a mart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from finpulse_assets.domain.features.technical import TECHNICAL_FEATURES, build_technical_features
from finpulse_assets.domain.texts.traits import text_traits
from finpulse_assets.errors import SettingError
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.warehouse.replay import MartReplay
from finpulse_assets.orchestration.dbt.models import (
    DAILY_FEATURES,
    DAILY_SENTIMENT,
    LABELS,
    TRAINING_SET,
)
from finpulse_assets.schemas import (
    CORPORATE_ACTIONS,
    HEADLINES,
    HOLDINGS,
    OPTIONS,
    PRICES,
    SESSIONS,
    SOURCES,
    TEXT_SENTIMENT,
    TEXT_TRAITS,
    TICKERS,
    TWEETS,
)
from finpulse_assets.settings import Settings

INPUTS = (
    SOURCES, SESSIONS, TICKERS, PRICES, CORPORATE_ACTIONS, TWEETS, HEADLINES, TEXT_SENTIMENT,
    TEXT_TRAITS, HOLDINGS, OPTIONS,
)  # fmt: skip
AS_OF_TABLES = (
    TECHNICAL_FEATURES.name, DAILY_SENTIMENT, DAILY_FEATURES, LABELS, TRAINING_SET,
)  # fmt: skip


@dataclass(frozen=True)
class FeatureReplay:
    """The way from raw tables to technical features and marts.

    `languages` are those whose texts count.
    """

    marts: MartReplay
    languages: tuple[str, ...] = ("en",)

    @classmethod
    def of(cls, settings: Settings) -> FeatureReplay:
        """Take the SQL of the profile's last dbt build.

        Raises:
            LakeError: the marts were never built.
        """
        marts = MartReplay.of(settings.root / "dbt_target" / "manifest.json")
        return cls(marts, tuple(settings.languages.split(",")))

    def build(
        self, tables: Mapping[str, pl.DataFrame], table: str, *, as_of: datetime
    ) -> pl.DataFrame:
        """Return a table of AS_OF_TABLES, by its key, as built from `tables` alone."""
        technical = build_technical_features(
            tables[PRICES.name].lazy(),
            tables[CORPORATE_ACTIONS.name].lazy(),
            tables[SESSIONS.name],
            as_of=as_of,
            tickers=tables[TICKERS.name].lazy(),
            sources=tables[SOURCES.name],
        )
        if table == TECHNICAL_FEATURES.name:
            return technical
        made = {TECHNICAL_FEATURES.name: technical, TEXT_TRAITS.name: self._traits(tables, as_of)}
        built = self.marts.build({**tables, **made}, table, as_of=as_of)
        if table != DAILY_FEATURES:
            key = ["ticker", "session_date", *(["horizon"] if table == LABELS else [])]
            return built.sort(key)
        seen = technical.select("ticker", "session_date", "bars_seen")
        return built.join(seen, on=["ticker", "session_date"]).sort("ticker", "session_date")

    def _traits(self, tables: Mapping[str, pl.DataFrame], as_of: datetime) -> pl.DataFrame:
        """Find near copies anew, among what was known; the languages of the texts are kept."""
        columns = ("text_hash", "text", "session_date", "knowledge_time")
        texts = pl.concat([tables[it.name].lazy().select(columns) for it in (TWEETS, HEADLINES)])
        known = texts.filter(pl.col("knowledge_time") <= as_of)
        return text_traits(known, languages=self.languages, held=tables[TEXT_TRAITS.name])


def read_inputs(lake: Lake, *, tickers: Sequence[str] | None = None) -> dict[str, pl.DataFrame]:
    """Return the raw tables by name, of some tickers or of all; one without rows yet is empty.

    Raises:
        LakeError: there is no calendar; nothing was ever materialized.
    """
    lake.scan(SESSIONS)
    read = {}
    for table in INPUTS:
        rows = lake.read_or_empty(table)
        if tickers is not None and "ticker" in table.by_name:
            rows = rows.filter(pl.col("ticker").is_in(list(tickers)))
        read[table.name] = rows.collect()
    return read


def table_as_of(lake: Lake, replay: FeatureReplay, table: str, moment: datetime) -> pl.DataFrame:
    """Return a feature or training table as it was known at `moment` (UTC).

    Late texts, corrected prices and splits that came since are not in it: it equals, to the byte,
    what a run at that moment had built.

    Raises:
        SettingError: no such table can be rebuilt.
        LakeError: the lake has no sessions, or the marts were never built.
    """
    if table not in AS_OF_TABLES:
        raise SettingError(
            f"{table} cannot be rebuilt as of a time", hint=f"these can: {', '.join(AS_OF_TABLES)}"
        )
    built = replay.build(read_inputs(lake), table, as_of=moment)
    return built.drop("bars_seen") if table == DAILY_FEATURES else built
