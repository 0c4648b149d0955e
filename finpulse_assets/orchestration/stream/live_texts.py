"""The texts that the features of the session under way are made of, scored and with their traits.

Those of other sources are as the last run left them; those of the stream are read again at every
look, for other workers add to them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import polars as pl

from finpulse_assets.domain.ingestion.union import unite_texts
from finpulse_assets.domain.texts.near_copies import WINDOW
from finpulse_assets.domain.texts.traits import TraitFinder
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.sentiment.scoring import TextScorer
from finpulse_assets.gateways.sources.stream.held import STREAM
from finpulse_assets.orchestration.training.text_scoring import scored_rows
from finpulse_assets.schemas import (
    HEADLINES,
    RAW_TABLES,
    TEXT_KINDS,
    TEXT_SENTIMENT,
    TEXT_TRAITS,
    TWEETS,
    source_table,
)

_KEY = ["text_id", "ticker", "knowledge_time"]


class LiveTexts:
    """Texts of some sessions, the last of which is under way; `refresh` adds what has come since.

    `out_of_scope` counts rows of the stream whose ticker is not in the universe.
    """

    def __init__(
        self,
        lake: Lake,
        scorer: TextScorer,
        *,
        calendar: pl.DataFrame,
        sessions: pl.DataFrame,
        tickers: Sequence[str],
        languages: Sequence[str],
        moment: datetime,
    ) -> None:
        """Read what is held.

        Args:
            lake: with the raw tables and those of the stream.
            scorer: of the present model.
            calendar: `schemas.SESSIONS` that reach beyond any text.
            sessions: those of the calendar whose texts are read, ascending.
            tickers: the universe.
            languages: whose texts count.
            moment: what other sources had later is left out (UTC).
        """
        self._lake, self._scorer, self._calendar = lake, scorer, calendar
        self._tickers, self._languages = tickers, languages
        days = sessions["session_date"]
        self._is_inside = pl.col("session_date").is_between(days[0], days[-1])
        # Texts of a session are known some days before it at most.
        self._first_month = f"{days[0] - WINDOW:%Y-%m-01}"
        self._last_weeks = days[-1] - 2 * WINDOW
        self._rows = {kind: RAW_TABLES[kind].empty() for kind in TEXT_KINDS}
        self._seen = {kind: RAW_TABLES[kind].empty().select(_KEY) for kind in TEXT_KINDS}
        self._scores, self._traits = TEXT_SENTIMENT.empty(), TEXT_TRAITS.empty()
        self._finder: TraitFinder | None = None
        self.out_of_scope = 0
        self._take_in(
            {k: pl.concat([self._of_others(k, moment), self._new(k)]) for k in TEXT_KINDS}
        )

    def refresh(self) -> None:
        """Take in the rows of the stream that were not there before."""
        new = {kind: self._new(kind) for kind in TEXT_KINDS}
        if any(rows.height for rows in new.values()):
            self._take_in(new)

    def tables(self) -> dict[str, pl.DataFrame]:
        """Return the tables that the marts are made of, by name."""
        return {
            TWEETS.name: self._rows["tweets"],
            HEADLINES.name: self._rows["headlines"],
            TEXT_SENTIMENT.name: self._scores,
            TEXT_TRAITS.name: self._traits,
        }

    def _of_others(self, kind: str, moment: datetime) -> pl.DataFrame:
        rows = self._lake.read_or_empty(RAW_TABLES[kind]).filter(
            self._is_inside, pl.col("source") != STREAM, pl.col("knowledge_time") <= moment
        )
        return rows.collect()

    def _new(self, kind: str) -> pl.DataFrame:
        """Return the rows of the stream that were not seen before, as `raw/<kind>` has them."""
        table = source_table(STREAM, kind)
        months = [it for it in self._lake.partitions(table) if it >= self._first_month]
        rows = self._lake.scan_present(table, months).collect()
        new = rows.join(self._seen[kind], on=_KEY, how="anti")
        self._seen[kind] = rows.select(_KEY)
        united = unite_texts(
            RAW_TABLES[kind], {STREAM: new}, sessions=self._calendar, tickers=self._tickers
        )
        self.out_of_scope += united.out_of_scope_rows
        return united.rows.filter(self._is_inside)

    def _take_in(self, new: dict[str, pl.DataFrame]) -> None:
        self._rows = {kind: pl.concat([rows, new[kind]]) for kind, rows in self._rows.items()}
        scores = scored_rows(self._scorer, new["tweets"].lazy(), new["headlines"].lazy())
        self._scores = pl.concat([self._scores, scores])
        columns = ("text_hash", "text", "session_date", "knowledge_time")
        texts = pl.concat([rows.select(columns) for rows in new.values()])
        if self._finder is None:
            texts, self._traits = self._begin(texts)
        self._traits = pl.concat([self._traits, self._finder.add(texts.lazy())])

    def _begin(self, texts: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return the texts whose traits are to be found, and the traits of the others as held.

        Near copies are found among the last two weeks, or from where no run has found them.
        """
        held = self._lake.read_or_empty(TEXT_TRAITS).filter(self._is_inside).collect()
        lacking = texts.join(held, on=["text_hash", "session_date"], how="anti")["session_date"]
        since = self._last_weeks
        if not lacking.is_empty():
            since = min(since, lacking.min() - 2 * WINDOW)
        self._finder = TraitFinder(self._languages, held)
        return texts.filter(pl.col("session_date") >= since), held.filter(
            pl.col("session_date") < since
        )
