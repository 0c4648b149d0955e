"""One source under its name: which kinds of row it gives, and asking it for one of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import polars as pl

from finpulse_assets.errors import SourceError
from finpulse_assets.gateways.sources.minute_source import MinuteSource
from finpulse_assets.gateways.sources.protocols import (
    KeepsAnswers,
    Outside,
    PriceSource,
    ReadsFiles,
    Remarks,
    TextSource,
)
from finpulse_assets.schemas import COMPANY_KINDS, TEXT_KINDS, Kind


@dataclass(frozen=True)
class Source:
    """A member of the list of sources.

    Args:
        name: its name in FINPULSE_SOURCES and in every row.
        kinds: what it gives.
        texts: where tweets and headlines come from.
        prices: where bars, corporate actions and the list of tickers come from.
        minutes: where one-minute bars come from.
        companies: where listings, holdings and option chains come from.
    """

    name: str
    kinds: tuple[Kind, ...]
    texts: TextSource | None = None
    prices: PriceSource | None = None
    minutes: MinuteSource | None = None
    companies: KeepsAnswers | None = None

    def ask(
        self, kind: Kind, start: datetime, end: datetime, *, as_of: datetime | None = None
    ) -> pl.DataFrame:
        """Return the rows of a kind delivered in [start, end); minute bars come in parts instead.

        Args:
            kind: the kind of row.
            start, end: the window.
            as_of: the time of the run, where a run asks.

        Raises:
            PartialAnswer: some of it cannot be had.
            SourceError: the source cannot be read.
        """
        gateway = self._giving(kind)
        if isinstance(gateway, KeepsAnswers):
            return gateway.ask(kind, start, end, as_of=as_of)
        if kind in TEXT_KINDS:
            return self.texts.texts(kind, start, end)
        return getattr(self.prices, kind)(start, end)

    def ignored_columns(self, kind: Kind) -> dict[str, list[str]]:
        """Return the columns of files that nothing reads; see `ReadsFiles`."""
        gateway = self._giving(kind)
        return gateway.ignored_columns(kind) if isinstance(gateway, ReadsFiles) else {}

    def outside(self, kind: Kind, start: datetime, end: datetime) -> Outside:
        """Return the rows of files that lie outside the window; see `ReadsFiles`."""
        gateway = self._giving(kind)
        return gateway.outside(kind, start, end) if isinstance(gateway, ReadsFiles) else Outside(0)

    def remarks(self, kind: Kind) -> list[str]:
        """Return what the last answer lacks or passes over; see `Remarks`."""
        gateway = self._giving(kind)
        return gateway.remarks(kind) if isinstance(gateway, Remarks) else []

    def _giving(self, kind: Kind) -> object:
        if kind == "bars_1m":
            return self.minutes
        if kind in COMPANY_KINDS:
            return self.companies
        return self.texts if kind in TEXT_KINDS else self.prices


@dataclass(frozen=True)
class Sources:
    """The sources of a deployment, in the declared order: the first is preferred."""

    members: tuple[Source, ...]

    def named(self, name: str) -> Source:
        return next(source for source in self.members if source.name == name)

    def giving(self, kind: Kind) -> list[Source]:
        """Return the sources of one kind of row, in order."""
        return [source for source in self.members if kind in source.kinds]

    def listings(self) -> list[pl.DataFrame]:
        """Return the listing of each source of prices that answers.

        Raises:
            SourceError: none of them answers.
        """
        listings, problems = [], []
        for source in self.giving("prices"):
            try:
                listings.append(source.prices.tickers())
            except SourceError as error:
                problems.append(f"{source.name}: {error}")
        if not listings:
            raise SourceError(f"no source lists its tickers: {'; '.join(problems)}")
        return listings
