"""Features of the session under way: its texts so far, beside the bars of the newest session.

They are made by the SQL that the last dbt build has compiled, from tables of the lake, in memory:
only dbt writes the database. Once the session is decided, a run makes its row for good.
"""

from __future__ import annotations

from datetime import datetime

import polars as pl

from finpulse_assets.domain.features.online import latest_features
from finpulse_assets.domain.features.technical import TECHNICAL_FEATURES, build_technical_features
from finpulse_assets.domain.ingestion.union import unite_market
from finpulse_assets.errors import SourceError
from finpulse_assets.gateways.lake.companies import company_tables
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.sentiment.scoring import TextScorer
from finpulse_assets.gateways.sources.stream.held import STREAM
from finpulse_assets.gateways.warehouse.replay import MartReplay
from finpulse_assets.orchestration.dbt.models import DAILY_FEATURES
from finpulse_assets.orchestration.stream.live_texts import LiveTexts
from finpulse_assets.schemas import (
    CORPORATE_ACTIONS,
    HEADLINES,
    HOLDINGS,
    OPTIONS,
    PRICES,
    SESSIONS,
    SOURCES,
    TEXT_TRAITS,
    TICKERS,
    TWEETS,
    source_table,
)

# What a text feature reads at most (61 sessions), and the first sessions of a ticker's windows.
WINDOW_SESSIONS = 64
# The session under way has no close yet, so that no close is expected of the next one.
NO_CLOSES = pl.DataFrame(schema={"ticker": pl.String, "session_date": pl.Date, "close": pl.Float64})
# A ticker that has not traded in the last two sessions has no row.
NEWEST_SESSIONS = 2
_BARS = source_table(STREAM, "prices")
_MADE_BY_RUNS = (TWEETS, HEADLINES, TEXT_TRAITS, TECHNICAL_FEATURES, TICKERS, SOURCES, _BARS,
                 HOLDINGS, OPTIONS, CORPORATE_ACTIONS)  # fmt: skip


class LiveFeatures:
    """Makes the rows of the session under way, and keeps what the next look needs again."""

    def __init__(
        self,
        lake: Lake,
        marts: MartReplay,
        scorer: TextScorer,
        *,
        calendar: pl.DataFrame,
        languages: tuple[str, ...],
    ) -> None:
        """Take what features are made of; nothing is read yet.

        Args:
            lake: with the tables of the last run and those of the stream.
            marts: the SQL of the last dbt build.
            scorer: of the present sentiment model.
            calendar: `schemas.SESSIONS` that reach beyond any message.
            languages: whose texts count.
        """
        self._lake, self._marts, self._scorer = lake, marts, scorer
        self._calendar = calendar.sort("session_date")
        self._languages = languages
        self._made_from: object = None

    @property
    def out_of_scope(self) -> int:
        """Rows of the stream whose ticker is not in the universe."""
        return self._texts.out_of_scope if self._made_from else 0

    def at(self, moment: datetime) -> pl.DataFrame:
        """Return `LIVE_FEATURES` of every ticker, as known at `moment` (UTC).

        Raises:
            EvaluationError: no ticker has a bar in the sessions before.
            LakeError: a table cannot be read.
        """
        session = self._under_way(moment)
        made_from = (session["session_date"], self._files())
        if made_from != self._made_from:
            self._begin(session, moment)
            self._made_from = made_from
        else:
            self._texts.refresh()
        rows = self._mart.rows(self._texts.tables())
        return latest_features(rows, self._tickers, NO_CLOSES)

    def _under_way(self, moment: datetime) -> dict[str, object]:
        ahead = self._calendar.filter(pl.col("decision_at") > moment)
        if ahead.is_empty():
            raise SourceError(
                f"a message was sent at {moment}, after the last session of the calendar"
            )
        return ahead.row(0, named=True)

    def _files(self) -> list[tuple[str, int, int]]:
        """Return what the last run has left, as files: when it changes, all is read again."""
        paths = [
            self._lake.path(it, key) for it in _MADE_BY_RUNS for key in self._lake.partitions(it)
        ]
        stats = [(str(path), path.stat()) for path in paths]
        return [(path, stat.st_mtime_ns, stat.st_size) for path, stat in stats]

    def _begin(self, session: dict[str, object], moment: datetime) -> None:
        until = pl.col("session_date") <= session["session_date"]
        sessions = self._calendar.filter(until).tail(WINDOW_SESSIONS)
        self._tickers = tickers = self._lake.scan(TICKERS).collect()
        tables = {
            SOURCES.name: self._lake.scan(SOURCES).collect(),
            SESSIONS.name: sessions,
            TICKERS.name: tickers,
            TECHNICAL_FEATURES.name: self._technical(sessions, tickers, moment),
            **company_tables(self._lake, sessions["session_date"][0]),
        }
        self._texts = LiveTexts(
            self._lake,
            self._scorer,
            calendar=self._calendar,
            sessions=sessions,
            tickers=tickers["ticker"].unique().to_list(),
            languages=self._languages,
            moment=moment,
        )
        self._mart = self._marts.kept(
            tables,
            DAILY_FEATURES,
            as_of=session["decision_at"],
            session_date=session["session_date"],
            changing=self._texts.tables().keys(),
        )

    def _technical(
        self, sessions: pl.DataFrame, tickers: pl.DataFrame, moment: datetime
    ) -> pl.DataFrame:
        """Return the technical features of the window, the newest again for the session under way.

        They are those of the last run, or made anew where the stream has brought bars since.
        """
        decided = sessions.filter(pl.col("decision_at") <= moment)["session_date"]
        made = self._lake.read_or_empty(TECHNICAL_FEATURES)
        bars = self._lake.read_or_empty(_BARS)
        ends = [it.select(pl.col("session_date").max()).collect().item() for it in (bars, made)]
        if ends[0] is not None and (ends[1] is None or ends[0] > ends[1]):
            made = self._made_anew(bars.collect(), tickers, moment).lazy()
        rows = made.filter(pl.col("session_date").is_in(decided.implode())).collect()
        recent = rows.filter(pl.col("session_date").is_in(decided.tail(NEWEST_SESSIONS).implode()))
        under_way = (
            recent.sort("session_date")
            .unique("ticker", keep="last")
            .with_columns(session_date=pl.lit(sessions["session_date"][-1]))
        )
        return TECHNICAL_FEATURES.enforce(pl.concat([rows, under_way]))

    def _made_anew(
        self, bars: pl.DataFrame, tickers: pl.DataFrame, moment: datetime
    ) -> pl.DataFrame:
        others = self._lake.read_or_empty(PRICES).filter(pl.col("source") != STREAM)
        streamed = unite_market(PRICES, {STREAM: bars}).rows
        return build_technical_features(
            pl.concat([others, streamed.lazy()]),
            self._lake.read_or_empty(CORPORATE_ACTIONS),
            self._calendar,
            as_of=moment,
            tickers=tickers.lazy(),
            sources=self._lake.scan(SOURCES).collect(),
        )
