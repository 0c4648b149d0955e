"""GDELT's bulk files (Global Knowledge Graph 2.1): headlines from the world's news sites.

http://data.gdeltproject.org/documentation/GDELT-Global_Knowledge_Graph_Codebook-V2.1.pdf

Every 15 minutes a file of all articles that were seen in them: the time is when GDELT saw an
article. Files are large (a day is half a gigabyte), so no more than the last hours are loaded.
"""

from __future__ import annotations

import html
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from finpulse_assets.domain.texts.links import canonical_url
from finpulse_assets.domain.texts.mentions import Mentions
from finpulse_assets.errors import SourceError
from finpulse_assets.gateways.sources.access import Access
from finpulse_assets.gateways.sources.answers import Answer, Wanted
from finpulse_assets.gateways.sources.replies import Passing, Request
from finpulse_assets.gateways.sources.vendor import Page, Reach, Row, Vendor, read_rows

QUARTER = timedelta(minutes=15)
COLUMNS = 27
_SEEN, _SITE, _URL, _EXTRAS = 1, 3, 4, 26
_TITLE = re.compile(r"<PAGE_TITLE>(.*?)</PAGE_TITLE>", re.DOTALL)
LARGEST = 512 * 2**20
# A file that is not there this long after its time never comes.
_NEVER = timedelta(hours=3)


class Gdelt(Vendor):
    """Headlines that name a company.

    Args:
        mentions: finds the tickers of a headline.
        history: how far back files are loaded.
    """

    name = "gdelt"
    kinds = ("headlines",)

    def __init__(self, mentions: Mentions, access: Access, *, history: timedelta) -> None:
        self._mentions, self.access = mentions, access
        self.reach = Reach(
            overlap=timedelta(0),
            history=history,
            at_once=QUARTER,
            grid=QUARTER,
            lag=QUARTER,
            is_by_ticker=False,
        )
        self.subjects = ["gkg"]

    def request(self, wanted: Wanted) -> Request:
        """Return the request for the file that ends a quarter of an hour."""
        return Request(f"gdeltv2/{wanted.span[1]:%Y%m%d%H%M%S}.gkg.csv.zip")

    def read(self, answer: Answer) -> Page:
        """Return the headlines of a file that name a company of ours."""
        lines = list(_lines(answer.reply.body))
        named = [(line, tickers) for line in lines if (tickers := self._tickers(line))]
        found = read_rows(named, lambda item: _rows(*item))
        return Page(found, passed_over=len(lines) - len(named))

    def refused(self, answer: Answer) -> Page | None:
        """A file that is late comes yet; one that is missing for hours never does."""
        if answer.reply.status == 404:
            end = answer.ask.span[1]
            if answer.reply.fetched_at - end < _NEVER:
                raise SourceError(f"the file of {end:%Y-%m-%d %H:%M} is not there yet")
            return Page(gap=f"GDELT has no file of {end:%Y-%m-%d %H:%M}")
        return None

    def _tickers(self, line: Sequence[str]) -> list[str]:
        return self._mentions.of(_title(line)) if len(line) == COLUMNS else []


def _rows(line: Sequence[str], tickers: Sequence[str]) -> Iterable[Row]:
    url = canonical_url(line[_URL])
    for ticker in tickers:
        yield {
            "text_id": url,
            "ticker": ticker,
            "event_time": datetime.strptime(line[_SEEN], "%Y%m%d%H%M%S").replace(tzinfo=UTC),
            "text": _title(line),
            "author": line[_SITE] or None,
            "is_retweet": False,
            "source": line[_SITE] or None,
        }


def _title(line: Sequence[str]) -> str:
    found = _TITLE.search(line[_EXTRAS])
    return " ".join(html.unescape(found[1]).split()) if found else ""


def _lines(body: bytes) -> Iterator[list[str]]:
    """Yield the lines of the file within a zip archive, each as its columns.

    Raises:
        Passing: it is no archive, or a broken one.
        SourceError: it is larger than any file of GDELT, or its lines have other columns.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            inside = archive.infolist()
            if len(inside) != 1 or inside[0].file_size > LARGEST:
                raise SourceError(f"an archive of {len(inside)} files instead of one of the GKG")
            text = archive.read(inside[0]).decode(errors="replace")
    except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, OSError):
        raise Passing("an answer that is no whole zip archive") from None
    lines = [line.split("\t") for line in text.split("\n") if line]
    if lines and all(len(line) != COLUMNS for line in lines):
        raise SourceError(f"lines of {len(lines[0])} columns, {COLUMNS} were expected")
    if lines and not any(_title(line) for line in lines if len(line) == COLUMNS):
        raise SourceError("no line has a PAGE_TITLE")
    yield from lines
