"""Features with texts and bars that no source has delivered yet, made by the code of the batch.

The home's lake is read, what was sent is added to the frames in memory, and the code that made the
training rows runs on them: the functions of features/technical and of scored/text_traits, and the
SQL that the last dbt build has compiled. Nothing is written. It needs the extra `fresh`, but
neither dbt nor Dagster.

What was sent counts as known just before the decision on the symbol's newest session with a bar.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from finpulse_assets.domain.serving.fresh import FreshRequest, fresh_scores, fresh_texts
from finpulse_assets.domain.serving.sentiment import TextScore
from finpulse_assets.errors import RequestError, ServiceError
from finpulse_assets.gateways.lake.companies import company_tables
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.schemas import (
    CORPORATE_ACTIONS,
    HEADLINES,
    PRICES,
    SESSIONS,
    SOURCES,
    TEXT_SENTIMENT,
    TEXT_TRAITS,
    TICKERS,
    TWEETS,
)

if TYPE_CHECKING:
    from finpulse_assets.gateways.warehouse.replay import MartReplay

MART = "fct_daily_features"
# The longest window of a text feature has 61 sessions, and near copies reach 11 further back.
WINDOW = 80
TICK = timedelta(microseconds=1)


@dataclass(frozen=True)
class FreshFeatures:
    """Makes rows of features from a lake and what is sent.

    Attributes:
        lake: of the home.
        manifest: of the home's last dbt build.
        languages: whose texts count.
    """

    lake: Lake
    manifest: Path
    languages: tuple[str, ...] = ("en",)

    def rows(self, asked: FreshRequest, scores: Sequence[TextScore], now: datetime) -> pl.DataFrame:
        """Return the mart's rows of the symbol's newest session, of every ticker with a bar.

        Args:
            asked: what was sent.
            scores: of its texts, by the model of the lake's scores.
            now: UTC; later knowledge is not used.

        Raises:
            RequestError: the symbol has no features, or a bar cannot be added.
            ServiceError: the scores are another model's.
            LakeError: the lake cannot be read, or the marts were never built.
        """
        sessions = self.lake.scan(SESSIONS).collect()
        technical = self._technical(asked, sessions, now)
        day, decided_at = _newest(technical, sessions, asked.symbol, now)
        start = sessions.filter(pl.col("session_date") <= day)["session_date"].tail(WINDOW)[0]
        known_at = decided_at - TICK
        sent = fresh_texts(asked.texts, asked.symbol, day, known_at)
        texts = {
            table.name: pl.concat([_window(self.lake.read_or_empty(table), start), new])
            for table, new in zip((TWEETS, HEADLINES), sent, strict=True)
        }
        tables = {
            **texts,
            SESSIONS.name: sessions,
            technical_name(): _first_and(technical, start),
            TEXT_SENTIMENT.name: self._scores(asked, scores, known_at),
            TEXT_TRAITS.name: self._traits(texts, now),
            **company_tables(self.lake, start),
        }
        mart = self._marts.build(tables, MART, as_of=now)
        return mart.filter(pl.col("session_date") == day).sort("ticker")

    @cached_property
    def _marts(self) -> MartReplay:
        from finpulse_assets.gateways.warehouse.replay import MartReplay

        return MartReplay.of(self.manifest)

    def _technical(
        self, asked: FreshRequest, sessions: pl.DataFrame, now: datetime
    ) -> pl.DataFrame:
        from finpulse_assets.domain.features.technical import (
            TECHNICAL_FEATURES,
            build_technical_features,
        )

        if not asked.prices:
            return self.lake.scan(TECHNICAL_FEATURES).collect()
        prices = self.lake.scan(PRICES).collect()
        return build_technical_features(
            pl.concat([prices, _bars(asked, prices, sessions, now)]).lazy(),
            self.lake.read_or_empty(CORPORATE_ACTIONS),
            sessions,
            as_of=now,
            tickers=self.lake.scan(TICKERS),
            sources=self.lake.scan(SOURCES).collect(),
        )

    def _scores(
        self, asked: FreshRequest, scores: Sequence[TextScore], known_at: datetime
    ) -> pl.DataFrame:
        held = self.lake.read_or_empty(TEXT_SENTIMENT).collect()
        own = set(held["model_fingerprint"].unique())
        if other := {it.model_fingerprint for it in scores} - own:
            raise ServiceError(
                f"the scorer's model is {other.pop()[:12]}, the home's scores are of another",
                hint="materialize serving/sentiment_bento, and start the scorer again",
            )
        made = fresh_scores(asked.texts, scores, known_at)
        return pl.concat([held, made.join(held, on="text_hash", how="anti")])

    def _traits(self, texts: dict[str, pl.DataFrame], now: datetime) -> pl.DataFrame:
        from finpulse_assets.domain.texts.traits import text_traits

        columns = ("text_hash", "text", "session_date", "knowledge_time")
        known = pl.concat([it.lazy().select(columns) for it in texts.values()])
        held = self.lake.read_or_empty(TEXT_TRAITS).collect()
        known = known.filter(pl.col("knowledge_time") <= now)
        return text_traits(known, languages=self.languages, held=held)


def technical_name() -> str:
    """Return the name of the technical features' table, without loading what makes them."""
    return "features/technical"


def _newest(
    technical: pl.DataFrame, sessions: pl.DataFrame, symbol: str, now: datetime
) -> tuple[object, datetime]:
    """Return the newest decided session in which the symbol and another ticker have a bar."""
    decided = technical.join(sessions.select("session_date", "decision_at"), on="session_date")
    decided = decided.filter(pl.col("decision_at") <= now)
    own = decided.filter(pl.col("ticker") == symbol).sort("session_date")
    if own.is_empty():
        raise RequestError(f"the lake has no features of {symbol}", hint="see /symbols")
    day, decided_at = own.select("session_date", "decision_at").row(-1)
    if decided.filter(pl.col("session_date") == day)["ticker"].n_unique() == 1:
        raise RequestError(
            f"no other ticker has a bar on {day}, and the champion ranks within a session",
            hint="run finpulse run first",
        )
    return day, decided_at


def _bars(
    asked: FreshRequest, prices: pl.DataFrame, sessions: pl.DataFrame, now: datetime
) -> pl.DataFrame:
    """Return bars as `schemas.PRICES`, as of the source that the symbol's bars are from."""
    own = prices.filter(pl.col("ticker") == asked.symbol).sort("session_date", "knowledge_time")
    if own.is_empty():
        raise RequestError(f"the lake has no bar of {asked.symbol}", hint="see /symbols")
    last = own.row(-1, named=True)
    calendar = {row["session_date"]: row for row in sessions.iter_rows(named=True)}
    rows = []
    for bar in asked.prices:
        session = calendar.get(bar.session_date)
        is_decided = session is not None and session["decision_at"] <= now
        if not is_decided or bar.session_date <= last["session_date"]:
            raise RequestError(
                f"{bar.session_date} is no decided session after {last['session_date']}",
                hint=f"the lake has the bars of {asked.symbol} to then; send those after it",
            )
        known_at = session["decision_at"] - TICK
        rows.append({**last, **{name: getattr(bar, name) for name in bar.__struct_fields__},
                     "event_time": session["close_at"], "knowledge_time": known_at})  # fmt: skip
    return PRICES.enforce(pl.DataFrame(rows, schema=PRICES.polars_schema))


def _window(texts: pl.LazyFrame, start: object) -> pl.DataFrame:
    """Return the texts said since `start` in all versions, and the first of each ticker.

    Each counts by its first version, and every window begins with its ticker's first text or bar.
    """
    is_recent = (pl.col("session_date") >= start).any().over("source", "text_id")
    is_first = pl.col("session_date") == pl.col("session_date").min().over("ticker")
    return texts.filter(is_recent | is_first).collect()


def _first_and(technical: pl.DataFrame, start: object) -> pl.DataFrame:
    is_first = pl.col("session_date") == pl.col("session_date").min().over("ticker")
    return technical.filter((pl.col("session_date") >= start) | is_first)
