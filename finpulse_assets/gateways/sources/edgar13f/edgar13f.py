"""Form 13F at SEC EDGAR: what institutional managers held at the end of a quarter.

https://www.sec.gov/data-research/sec-markets-data/form-13f-data-sets

A filing is known at its acceptance, up to 45 days after the quarter that it reports on. It is read
from its whole text, so that one answer holds the cover, the table and the time. The table names
shares by CUSIP, of which FINPULSE_CUSIPS gives the ticker.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from xml.etree.ElementTree import Element
from zoneinfo import ZoneInfo

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from finpulse_assets.errors import SourceError
from finpulse_assets.gateways.sources.access import Access
from finpulse_assets.gateways.sources.answers import Answer, Wanted
from finpulse_assets.gateways.sources.edgar.edgar import iso_in, refused_by_edgar
from finpulse_assets.gateways.sources.replies import Passing, Request
from finpulse_assets.gateways.sources.vendor import Page, Reach, Row, Vendor, listing, mapping

FORMS = ("13F-HR", "13F-HR/A")
IN_DOLLARS_SINCE = date(2023, 1, 3)  # before that day values are in thousands
_COLUMNS = ("accessionNumber", "acceptanceDateTime", "form")
_ACCEPTED = re.compile(rb"<ACCEPTANCE-DATETIME>(\d{14})")
_PARTS = re.compile(rb"<XML>\s*(.*?)\s*</XML>", re.DOTALL | re.IGNORECASE)
_END = b"</SEC-DOCUMENT>"


class Edgar13F(Vendor):
    """The holdings of some managers in the tickers of the deployment.

    Args:
        managers: their numbers at the SEC.
        cusips: CUSIP -> ticker.
        files_url: where filings lie.
        zone: IANA name of the zone that acceptance times are in.
    """

    name = "edgar13f"
    kinds = ("holdings",)
    reach = Reach(overlap=timedelta(days=1), is_by_ticker=False)

    def __init__(
        self,
        managers: Sequence[str],
        cusips: Mapping[str, str],
        files_url: str,
        access: Access,
        *,
        zone: str,
    ) -> None:
        self.subjects, self.access = list(managers), access
        self._cusips, self._zone = dict(cusips), ZoneInfo(zone)
        self._files_url = files_url.rstrip("/")

    def request(self, wanted: Wanted) -> Request:
        """Return the request for a manager's newest filings."""
        return Request(f"submissions/CIK{int(wanted.subject):010d}.json")

    def read(self, answer: Answer) -> Page:
        """Return the holdings of a filing, or the requests for the filings of the span."""
        if answer.ask.page == 1:
            return self._filings(answer)
        try:
            rows, passed_over = self._holdings(answer.reply.body, int(answer.ask.subject))
        except ValueError as error:
            raise SourceError(f"a filing with a number that cannot be read ({error})") from None
        return Page(rows, following=answer.ask.request.following, passed_over=passed_over)

    def refused(self, answer: Answer) -> Page | None:
        """Tell a rate that was passed from another refusal."""
        return refused_by_edgar(answer)

    def _filings(self, answer: Answer) -> Page:
        body = mapping(answer.reply.json(), "the answer")
        filings = mapping(body.get("filings"), "filings")
        recent = mapping(filings.get("recent"), "filings.recent")
        columns = [listing(recent.get(name), name) for name in _COLUMNS]
        start, end = answer.ask.span
        cik = int(answer.ask.subject)
        urls = []
        for number, accepted, form in zip(*columns, strict=False):
            if form in FORMS and start <= iso_in(accepted, self._zone) < end:
                folder = number.replace("-", "")
                urls.append(f"{self._files_url}/Archives/edgar/data/{cik}/{folder}/{number}.txt")
        urls.sort()
        following = Request(urls[0], then=tuple(urls[1:])) if urls else None
        return Page(following=following, passed_over=len(columns[0]) - len(urls))

    def _holdings(self, body: bytes, manager: int) -> tuple[list[Row], int]:
        """Return a row for each ticker, and how many lines of the table are about no share of ours.

        Raises:
            Passing: the text is cut short.
            SourceError: it is no form 13F.
        """
        accepted = _ACCEPTED.search(body)
        if accepted is None or _END not in body:
            raise Passing("a filing that is cut short, or none")
        local = datetime.strptime(accepted[1].decode(), "%Y%m%d%H%M%S").replace(tzinfo=self._zone)
        known = local.astimezone(UTC)
        parts = [_xml(part) for part in _PARTS.findall(body)]
        cover = next((it for it in parts if _name(it) == "edgarSubmission"), None)
        table = next((it for it in parts if _name(it) == "informationTable"), None)
        if cover is None or table is None:
            raise SourceError("a filing without a cover or an information table")
        shares, values, passed_over = self._sums(table)
        is_addition = (_text(cover, "amendmentType") or "").upper() == "NEW HOLDINGS"
        unit = 1.0 if known.date() >= IN_DOLLARS_SINCE else 1000.0
        # What a whole table does not name is not held; an addition says nothing of it.
        tickers = shares if is_addition else dict.fromkeys(self._cusips.values())
        month, day, year = (int(it) for it in _needed(cover, "periodOfReport").split("-"))
        number = _accession(body)
        rows = [
            {
                "ticker": ticker,
                "manager": manager,
                "filing_id": number,
                "report_date": date(year, month, day),
                "is_addition": is_addition,
                "shares": shares.get(ticker, 0),
                "value_usd": values.get(ticker, 0.0) * unit,
                "event_time": known,
                "knowledge_time": known,
                "source": "SEC EDGAR",
            }
            for ticker in sorted(tickers)
        ]
        return rows, passed_over

    def _sums(self, table: Element) -> tuple[dict[str, int], dict[str, float], int]:
        """Return ticker -> shares, ticker -> value as written; a CUSIP may stand in many lines."""
        shares: dict[str, int] = defaultdict(int)
        values: dict[str, float] = defaultdict(float)
        passed_over = 0
        for line in (it for it in table if _name(it) == "infoTable"):
            ticker = self._cusips.get(_needed(line, "cusip").strip().upper())
            if (
                ticker is None
                or _text(line, "putCall")
                or _text(line, "sshPrnamtType") not in (None, "SH")
            ):
                passed_over += 1
                continue
            shares[ticker] += int(float(_needed(line, "sshPrnamt")))
            values[ticker] += float(_needed(line, "value"))
        return shares, values, passed_over


def _xml(part: bytes) -> Element:
    try:
        return fromstring(part)
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise SourceError(f"a filing whose XML cannot be read ({error})") from None


def _name(element: Element) -> str:
    """Return the name of an element without its namespace, whose prefix filers choose."""
    return element.tag.rpartition("}")[2]


def _text(element: Element, name: str) -> str | None:
    found = next((it for it in element.iter() if _name(it) == name), None)
    return (found.text or "").strip() or None if found is not None else None


def _needed(element: Element, name: str) -> str:
    text = _text(element, name)
    if text is None:
        raise SourceError(f"a filing in which {name} is missing")
    return text


def _accession(body: bytes) -> str:
    found = re.search(rb"ACCESSION NUMBER:\s*([\d-]+)", body)
    if found is None:
        raise SourceError("a filing in which its number is missing")
    return found[1].decode()
