"""Form 13F of the companies of a corpus, quarter by quarter, with amendments."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

MANAGERS = (1067983, 1350694)
_TABLE = "http://www.sec.gov/edgar/document/thirteenf/informationtable"
_COVER = "http://www.sec.gov/edgar/thirteenffiler"
_QUARTER_ENDS = ((3, 31), (6, 30), (9, 30), (12, 31))


@dataclass(frozen=True)
class Filing:
    """One form 13F; `shares` of an addition are those that it adds."""

    number: str
    manager: int
    report_date: date
    accepted_at: datetime
    is_addition: bool
    shares: Mapping[str, int]


def cusip(place: int) -> str:
    """Return the CUSIP of the company at a place of the corpus."""
    return f"{place:06d}10{place % 10}"


def filings(tickers: Sequence[str], first: date, last: date) -> list[Filing]:
    """Return the filings accepted from a quarter before `first` to `last`, ascending.

    The second manager adds a holding six days after each filing.
    """
    ends = [date(year, *it) for year in range(first.year - 1, last.year + 1)
            for it in _QUARTER_ENDS]  # fmt: skip
    found = []
    for end in ends:
        for manager in MANAGERS:
            draw = random.Random(f"{manager}{end}")
            at = datetime(end.year, end.month, end.day, 16, 5, 11, tzinfo=UTC) + timedelta(days=45)
            shares = {it: draw.randrange(1_000, 9_000) for it in tickers if draw.random() < 0.8}
            number = f"000{manager}-{end:%y-%m%d}"
            found.append(Filing(f"{number}00", manager, end, at, False, shares))
            if manager == MANAGERS[1]:
                more, later = {tickers[0]: 500}, at + timedelta(days=6)
                found.append(Filing(f"{number}01", manager, end, later, True, more))
    begin = first - timedelta(days=100)
    kept = [it for it in found if begin <= it.accepted_at.date() <= last]
    return sorted(kept, key=lambda it: it.accepted_at)


def text_of(filing: Filing, tickers: Sequence[str], fault: str | None = None) -> bytes:
    """Return the whole text of a filing; each holding stands in two lines, as managers write it."""
    lines = []
    for ticker, shares in filing.shares.items():
        code = cusip(list(tickers).index(ticker))
        for part in (shares // 3, shares - shares // 3):
            lines.append(_line(code, part, "", fault))
        lines.append(_line(code, 77, "<putCall>Put</putCall>", fault))
    lines.append(_line("999999999", 5, "", fault))
    amendment = (
        "<amendmentInfo><amendmentType>NEW HOLDINGS</amendmentType></amendmentInfo>"
        if filing.is_addition
        else ""
    )
    cover = (
        f'<edgarSubmission xmlns="{_COVER}"><coverPage>{amendment}</coverPage>'
        f"<periodOfReport>{filing.report_date:%m-%d-%Y}</periodOfReport></edgarSubmission>"
    )
    table = f'<n1:informationTable xmlns:n1="{_TABLE}">{"".join(lines)}</n1:informationTable>'
    return (
        f"<SEC-DOCUMENT>{filing.number}.txt\n<SEC-HEADER>\n"
        f"<ACCEPTANCE-DATETIME>{filing.accepted_at:%Y%m%d%H%M%S}\n"
        f"ACCESSION NUMBER:\t\t{filing.number}\n</SEC-HEADER>\n"
        f"<DOCUMENT>\n<TEXT>\n<XML>\n{cover}\n</XML>\n</TEXT>\n</DOCUMENT>\n"
        f"<DOCUMENT>\n<TEXT>\n<XML>\n{table}\n</XML>\n</TEXT>\n</DOCUMENT>\n</SEC-DOCUMENT>\n"
    ).encode()


def _line(code: str, shares: int, more: str, fault: str | None) -> str:
    name = "cusipNumber" if fault == "renamed-required" else "cusip"
    extra = "<n1:somethingNew>1</n1:somethingNew>" if fault == "unknown-field" else ""
    other = "" if fault == "missing-optional" else "<n1:otherManager>1</n1:otherManager>"
    more = more.replace("<putCall>", "<n1:putCall>").replace("</putCall>", "</n1:putCall>")
    return (
        f"<n1:infoTable><n1:nameOfIssuer>S&amp;P</n1:nameOfIssuer><n1:{name}>{code}</n1:{name}>"
        f"<n1:value>{shares * 10}</n1:value><n1:shrsOrPrnAmt><n1:sshPrnamt>{shares}</n1:sshPrnamt>"
        f"<n1:sshPrnamtType>SH</n1:sshPrnamtType></n1:shrsOrPrnAmt>{more}{other}{extra}"
        "</n1:infoTable>"
    )
