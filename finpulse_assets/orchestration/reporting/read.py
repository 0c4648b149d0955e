"""Reading a home for a report: what was known of a ticker, now or at a time of the past."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from finpulse_assets.domain.calendar import last_completed_session
from finpulse_assets.domain.evaluation.promotion import Promotion
from finpulse_assets.domain.evaluation.report import Evaluation, evaluations
from finpulse_assets.domain.predictions.signals import current_signals
from finpulse_assets.domain.reporting.gather import Known
from finpulse_assets.errors import ReportError
from finpulse_assets.gateways.lake.lake import Lake
from finpulse_assets.gateways.models.model_store import ModelStore
from finpulse_assets.schemas import (
    DAILY_SIGNALS,
    EVALUATION,
    HEADLINES,
    OUT_OF_SAMPLE,
    OUTCOMES,
    PRICES,
    SESSIONS,
    SOURCES,
    TEXT_SENTIMENT,
    TICKERS,
    TWEETS,
)

Row = Mapping[str, object]
KINDS = {"tweets": TWEETS, "headlines": HEADLINES}


@dataclass(frozen=True)
class ReportReader:
    """Reads the home of a profile."""

    lake: Lake
    models: ModelStore

    def strongest(self, most: int) -> list[str]:
        """Return the tickers of the newest signals that are farthest from even, at most so many."""
        signals = self._signals(None)
        strength = (pl.col("probability_up") - 0.5).abs()
        return signals.sort(strength, "ticker", descending=[True, False])["ticker"][:most].to_list()

    def known(self, ticker: str, *, now: datetime, as_of: datetime | None = None) -> Known:
        """Return what is known of a ticker.

        Args:
            ticker: as the tables have it.
            now: UTC time.
            as_of: UTC time of the past to look back on; None for the newest signal.

        Raises:
            ReportError: no signal of that ticker is known at that time.
        """
        signals = self._signals(as_of)
        own = signals.filter(ticker=ticker)
        found, ranked, is_live = own, signals.height, True
        wanted = as_of and self._last_session(as_of)
        if wanted and (own.is_empty() or own["session_date"][0] < wanted):
            walked = self._walk_forward(wanted)
            found, ranked, is_live = walked.filter(ticker=ticker), walked.height, False
        if found.is_empty():
            known = ", ".join(sorted(signals["ticker"].unique())) or "none yet, run finpulse run"
            raise ReportError(
                f"no signal of {ticker} is known" + (f" as of {as_of:%Y-%m-%d}" if as_of else ""),
                hint=f"signals are there of: {known}",
            )
        signal, at = found.row(0, named=True), as_of or now
        decision = self._decision(at)
        skills = decision.champion.skills if decision else ()
        if is_live:
            skills = tuple(it for it in (signal["skills"] or "").split(", ") if it)
        return Known(
            ticker=ticker,
            companies=self._companies(),
            as_of=at,
            signal=signal,
            is_live=is_live,
            ranked=ranked,
            texts=self._texts(ticker, signal["session_date"], at),
            closes=self._closes(ticker, signal["session_date"], at),
            skills=skills,
            evaluation=self._evaluation(decision),
            outcome=self._outcome(signal, is_live=is_live),
            is_test=as_of is not None,
        )

    def _signals(self, as_of: datetime | None) -> pl.DataFrame:
        """Return the signals of the newest session that were known, the version that counts."""
        held = self.lake.read_or_empty(DAILY_SIGNALS)
        if as_of is not None:
            held = held.filter(pl.col("predicted_at") <= as_of)
        newest = held.filter(pl.col("session_date") == pl.col("session_date").max())
        return current_signals(newest.collect())

    def _last_session(self, as_of: datetime) -> date:
        sessions = self.lake.scan(SESSIONS).collect()
        return last_completed_session(sessions, as_of)["session_date"]

    def _walk_forward(self, day: date) -> pl.DataFrame:
        """Return what the champion's recipe says of a session, fitted on earlier ones alone."""
        champion = self.models.in_force().champion.candidate_id
        own = pl.col("candidate_id") == champion
        rows = self.lake.read_or_empty(OUT_OF_SAMPLE).filter(own, session_date=day).collect()
        following = self.lake.scan(SESSIONS).select(
            "session_date", target_session_date="next_session_date"
        )
        rank = pl.col("probability_up").rank("ordinal", descending=True).cast(pl.Int32)
        return rows.with_columns(rank=rank).join(following.collect(), on="session_date")

    def _decision(self, at: datetime) -> Promotion | None:
        """Return the decision that was in force."""
        known = [it for it in self.models.history() if it.decided_at <= at]
        return known[-1] if known else None

    def _evaluation(self, decision: Promotion | None) -> Evaluation | None:
        if decision is None:
            return None
        table = self.lake.read_or_empty(EVALUATION).collect()
        champion = decision.champion.candidate_id
        return next((it for it in evaluations(table) if it.candidate_id == champion), None)

    def _companies(self) -> dict[str, str]:
        tickers = self.lake.read_or_empty(TICKERS).collect().sort("valid_from")
        return dict(tickers.select("ticker", "company").drop_nulls().iter_rows())

    def _texts(self, ticker: str, day: date, at: datetime) -> pl.DataFrame:
        is_known = pl.col("knowledge_time") <= at
        texts = pl.concat(
            self.lake.read_or_empty(table)
            .filter(is_known, ticker=ticker, session_date=day)
            .select("text", "text_hash", "source", "author", "knowledge_time", "session_date")
            .with_columns(kind=pl.lit(kind))
            for kind, table in KINDS.items()
        )
        scores = self.lake.read_or_empty(TEXT_SENTIMENT).select("text_hash", "score")
        scored = texts.join(scores.unique("text_hash"), on="text_hash", how="left")
        return scored.collect().sort("knowledge_time", "text_hash")

    def _closes(self, ticker: str, day: date, at: datetime) -> pl.DataFrame:
        """Return a close for each session: of the preferred source, its newest version then."""
        prices = self.lake.read_or_empty(PRICES).filter(
            pl.col("knowledge_time") <= at, pl.col("session_date") <= day, ticker=ticker
        )
        order = self.lake.read_or_empty(SOURCES).filter(kind="prices").select("source", "rank")
        return (
            prices.join(order, on="source", how="left")
            .collect()
            .sort("knowledge_time", descending=True)
            .sort("session_date", "rank", nulls_last=True, maintain_order=True)
            .unique("session_date", keep="first", maintain_order=True)
            .select("session_date", "close")
        )

    def _outcome(self, signal: Row, *, is_live: bool) -> Row | None:
        if not is_live:
            return signal
        key = {name: signal[name] for name in ("ticker", "session_date", "predicted_at")}
        rows = self.lake.read_or_empty(OUTCOMES).filter(**key).collect()
        return rows.row(0, named=True) if rows.height else None
