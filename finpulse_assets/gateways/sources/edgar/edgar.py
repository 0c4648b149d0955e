"""SEC EDGAR: a company's filings as headlines, and its list of companies as listings.

https://www.sec.gov/search-filings/edgar-application-programming-interfaces

A filing is known at its acceptance, never at the end of the period that it reports on. Acceptance
times are read as New York's by default: that is never too early, whatever zone EDGAR means.

The requests for headlines bring the listings too: ticker and number of every company, and for the
tickers of the deployment the SIC code, of which the sector is made.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from finpulse_assets.domain.ingestion.companies import sector_of
from finpulse_assets.errors import SourceError
from finpulse_assets.gateways.sources.access import Access
from finpulse_assets.gateways.sources.answers import Answer, Wanted
from finpulse_assets.gateways.sources.replies import NotListed, Passing, Request
from finpulse_assets.gateways.sources.vendor import (
    Page,
    Reach,
    Row,
    Vendor,
    iso,
    listing,
    mapping,
    needed,
    read_rows,
    words,
)
from finpulse_assets.schemas import Kind

COMPANIES = "companies"
_COLUMNS = ("accessionNumber", "acceptanceDateTime", "form", "primaryDocDescription", "items")


class Edgar(Vendor):
    """Filings of some companies.

    Args:
        tickers: symbols as the tables write them.
        files_url: where the list of companies lies.
        zone: IANA name of the zone that acceptance times are in.
    """

    name = "edgar"
    kinds = ("headlines", "listings")
    index = COMPANIES
    reach = Reach(overlap=timedelta(days=1))

    def __init__(
        self, tickers: Sequence[str], files_url: str, access: Access, *, zone: str
    ) -> None:
        self.access = access
        self._files_url, self._zone = files_url.rstrip("/"), ZoneInfo(zone)
        self._ciks: dict[str, int] = {}
        self.subjects = [COMPANIES, *tickers]  # the list gives the numbers of the others

    def request(self, wanted: Wanted) -> Request:
        """Return the request for a company's newest filings.

        Raises:
            NotListed: EDGAR's list of companies does not have the ticker.
            SourceError: the list could not be had.
        """
        if wanted.subject == COMPANIES:
            return Request(f"{self._files_url}/files/company_tickers.json")
        if wanted.subject not in self._ciks:
            if not self._ciks:
                raise SourceError("EDGAR's list of companies could not be had")
            raise NotListed(f"EDGAR's list of companies has no {wanted.subject}")
        return Request(f"submissions/CIK{self._ciks[wanted.subject]:010d}.json")

    def asked_as(self, kind: Kind) -> Kind:
        """Return headlines: their answers hold the listings as well."""
        return "headlines" if kind == "listings" else kind

    def read(self, answer: Answer) -> Page:
        """Return the filings or the listings of an answer; the companies' numbers are noted."""
        body = mapping(answer.reply.json(), "the answer")
        is_listing = answer.ask.kind == "listings"
        if answer.ask.subject == COMPANIES:
            return self._companies(body, answer.as_of if is_listing else None)
        if is_listing:
            return Page(
                read_rows([body], lambda it: _company(answer.ask.subject, it, answer.as_of))
            )
        filings = mapping(body.get("filings"), "filings")
        recent = mapping(filings.get("recent"), "filings.recent")
        columns = {name: listing(recent.get(name), name) for name in _COLUMNS[:3]}
        columns |= {name: recent.get(name) or [] for name in _COLUMNS[3:]}
        count = len(columns["form"])
        if any(len(columns[name]) != count for name in _COLUMNS[:3]):
            raise SourceError("the columns of filings.recent are of different lengths")
        found = read_rows(range(count), lambda at: self._row(answer.ask.subject, columns, at))
        return Page(found, gap=_older(filings, answer.ask.span[0]))

    def refused(self, answer: Answer) -> Page | None:
        """Tell a rate that was passed from another refusal."""
        return refused_by_edgar(answer)

    def _row(self, ticker: str, columns: dict[str, Sequence[Any]], at: int) -> Iterable[Row]:
        filing = {name: values[at] for name, values in columns.items() if at < len(values)}
        form = needed(filing, "form")
        about = [filing.get("primaryDocDescription"), filing.get("items")]
        said = ", ".join(str(part) for part in about if part and part != form)
        yield {
            "text_id": needed(filing, "accessionNumber"),
            "ticker": ticker,
            "event_time": iso_in(needed(filing, "acceptanceDateTime"), self._zone),
            "text": f"${ticker} files {form}" + (f": {said}" if said else ""),
            "author": "SEC EDGAR",
            "is_retweet": False,
            "source": "SEC EDGAR",
        }

    def _companies(self, body: Mapping[str, Any], as_of: datetime | None) -> Page:
        """Note the number of each ticker; return the listings where they are asked for."""
        companies = [mapping(one, "a company") for one in body.values()]
        try:
            found = {needed(it, "ticker"): int(needed(it, "cik_str")) for it in companies}
        except KeyError as error:
            raise SourceError(f"the list of companies lacks {error.args[0]}") from None
        self._ciks = found
        if as_of is None:
            return Page()
        return Page(
            [
                _listing(it["ticker"], words(it.get("title")), found[it["ticker"]], as_of)
                for it in companies
            ]
        )


def iso_in(text: str, zone: ZoneInfo) -> datetime:
    """Return a time (UTC) that is written in a zone, whatever zone it names itself."""
    return iso(text).replace(tzinfo=zone).astimezone(UTC)


def refused_by_edgar(answer: Answer) -> Page | None:
    """Tell a rate that was passed, which EDGAR may answer with 403, from another refusal.

    Raises:
        Passing: so it is.
        SourceError: EDGAR wants to know who asks.
    """
    if answer.reply.status == 403:
        if b"Rate Threshold" in answer.reply.body:
            raise Passing("too many requests (HTTP 403)", wait=600)
        raise SourceError(
            "EDGAR refuses the request (HTTP 403)",
            hint="set FINPULSE_CONTACT to a name and a mail address",
        )
    return None


def _company(ticker: str, body: Mapping[str, Any], as_of: datetime) -> Iterable[Row]:
    names = body.get("tickers")
    if isinstance(names, list) and names and ticker not in map(_symbol, names):
        return  # the company has another ticker by now
    sic = str(body.get("sic") or "")
    row = _listing(ticker, words(body.get("name")), int(needed(body, "cik")), as_of)
    yield row | {"sector": sector_of(int(sic)) if sic.isdigit() else None}


def _listing(ticker: str, company: str | None, cik: int, as_of: datetime) -> Row:
    return {
        "ticker": _symbol(ticker),
        "company": company,
        "cik": cik,
        "knowledge_time": as_of,
        "source": COMPANIES,
    }


def _symbol(ticker: object) -> str:
    return str(ticker).strip().upper().replace(".", "-")


def _older(filings: Any, start: datetime) -> str | None:
    """Return which older files of filings reach into a span: they are not read."""
    files = [one for one in filings.get("files") or [] if isinstance(one, dict)]
    reaching = [one for one in files if str(one.get("filingTo", "")) >= start.date().isoformat()]
    if not reaching:
        return None
    last = max(str(one["filingTo"]) for one in reaching)
    return f"filings up to {last} lie in {len(reaching)} older files, which are not read"
