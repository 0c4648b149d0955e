"""Yahoo Finance on loopback: the small market in the shapes of Yahoo's chart and news answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import polars as pl
import requests

from tests.fakes.sources import COMPANIES, SPLIT_DAY, small_actions, small_prices, small_texts

NOT_FOUND = {
    "chart": {
        "result": None,
        "error": {"code": "Not Found", "description": "No data found, symbol may be delisted"},
    }
}
HTML = "<!doctype html><html><body>Will not be data</body></html>"
SPLIT = 4


class YahooServer(ThreadingHTTPServer):
    """Answers charts and news of the small market.

    `failures` are taken one a request for data: "429", "html", "drop" (no answer at all) or
    "timeout" (raised by the session); `calls` are the requests for data. After a 429 yfinance asks
    a second time at once, with another cookie.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.failures: list[str] = []
        self.calls: list[str] = []
        self.news = {ticker: news_stream(ticker) for ticker in COMPANIES}

    def handle_error(self, request: object, client_address: object) -> None:
        """Stay silent: a dropped connection is what some tests ask for."""


class LoopbackSession(requests.Session):
    """A session for yfinance whose every request goes to the server."""

    def __init__(self, server: YahooServer) -> None:
        super().__init__()
        self.trust_env = False
        self._server = server

    def request(self, method: str, url: str, **options: object) -> requests.Response:
        parts = urlsplit(url)
        if not (parts.hostname or "").endswith("yahoo.com"):
            raise AssertionError(f"{url} is not Yahoo")
        if _is_data(parts.path) and self._server.failures[:1] == ["timeout"]:
            self._server.failures.pop(0)
            self._server.calls.append(parts.path)
            raise requests.exceptions.ReadTimeout("timed out")
        local = parts._replace(scheme="http", netloc=f"127.0.0.1:{self._server.server_port}")
        return super().request(method, local.geturl(), **options)


@contextmanager
def yahoo_server() -> Iterator[YahooServer]:
    """Run the server while the block runs."""
    server = YahooServer()
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def news_stream(ticker: str) -> list[dict[str, object]]:
    """Return a ticker's headlines as items of Yahoo's stream, an advertisement among them."""
    rows = small_texts("2").filter(pl.col("ticker") == ticker).iter_rows(named=True)
    items: list[dict[str, object]] = [
        {
            "id": row["text_id"],
            "content": {
                "id": row["text_id"],
                "contentType": "STORY",
                "title": row["text"],
                "summary": "",
                "pubDate": f"{row['event_time']:%Y-%m-%dT%H:%M:%SZ}",
                "provider": {"displayName": row["author"], "url": "https://example.com/"},
                "canonicalUrl": {"url": "https://example.com/story", "lang": "en-US"},
            },
        }
        for row in rows
    ]
    return [*items, {"id": "ad", "ad": [{"headline": "Buy"}]}]


def chart(ticker: str, first: int, last: int) -> dict[str, object]:
    """Return a chart answer: prices, volumes and dividends adjusted for splits, as Yahoo has it."""
    if ticker not in COMPANIES:
        return NOT_FOUND
    ratio = pl.when((pl.col("ticker") == "AAA") & (pl.col("session_date") < SPLIT_DAY))
    factor = ratio.then(SPLIT).otherwise(1)
    bars = (
        small_prices()
        .filter(pl.col("ticker") == ticker)
        .with_columns(pl.col("open", "high", "low", "close") / factor)
        .with_columns(pl.col("volume_shares") * factor)
        .with_columns(at=pl.col("session_date").map_elements(_open_epoch, return_dtype=pl.Int64))
        .filter(pl.col("at").is_between(first, last))
    )
    quote = {name: bars[name].to_list() for name in ("open", "high", "low", "close")}
    quote["volume"] = bars["volume_shares"].to_list()
    result = {
        "meta": _meta(ticker),
        "timestamp": bars["at"].to_list(),
        "events": _events(ticker, first, last),
        "indicators": {"quote": [quote], "adjclose": [{"adjclose": quote["close"]}]},
    }
    return {"chart": {"result": [result], "error": None}}


def _events(ticker: str, first: int, last: int) -> dict[str, object]:
    events: dict[str, dict[str, object]] = {"dividends": {}, "splits": {}}
    for row in small_actions().filter(pl.col("ticker") == ticker).iter_rows(named=True):
        at = _open_epoch(row["ex_date"])
        if not first <= at <= last:
            continue
        if row["kind"] == "split":
            event = {"date": at, "numerator": row["value"], "denominator": 1.0, "splitRatio": "4:1"}
            events["splits"][str(at)] = event
        else:
            events["dividends"][str(at)] = {"amount": row["value"] / SPLIT, "date": at}
    return {kind: found for kind, found in events.items() if found}


def _meta(ticker: str) -> dict[str, object]:
    return {
        "currency": "USD",
        "symbol": ticker,
        "longName": COMPANIES[ticker],
        "exchangeName": "NYQ",
        "instrumentType": "EQUITY",
        "firstTradeDate": _open_epoch(date(1999, 5, 3)),
        "gmtoffset": -18000,
        "timezone": "EST",
        "exchangeTimezoneName": "America/New_York",
        "priceHint": 2,
        "dataGranularity": "1d",
        "validRanges": ["1d", "5d", "1mo", "max"],
    }


def _open_epoch(day: date) -> int:
    opening = datetime.combine(day, time(9, 30), tzinfo=ZoneInfo("America/New_York"))
    return int(opening.astimezone(UTC).timestamp())


def _is_data(path: str) -> bool:
    return path.startswith(("/v8/finance/chart/", "/xhr/ncp"))


class _Handler(BaseHTTPRequestHandler):
    server: YahooServer

    def log_message(self, format: str, *args: object) -> None:
        """Keep the log of the tests clean."""

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path.startswith("/v8/finance/chart/"):
            ticker = parts.path.rsplit("/", 1)[1]
            asked = parse_qs(parts.query)
            first, last = (int(asked.get(n, [d])[0]) for n, d in (("period1", 0), ("period2", 0)))
            answer = chart(ticker, first, last)
            self._data(answer, status=404 if answer is NOT_FOUND else 200)
        elif parts.path == "/v1/test/getcrumb":
            self._send("crumb", status=200)
        elif parts.path in ("", "/"):
            self._send("ok", status=200)
        else:
            self._send(json.dumps({"error": "Not Found"}), status=404)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        ticker = body["serviceConfig"]["s"][0]
        self._data({"data": {"tickerStream": {"stream": self.server.news.get(ticker, [])}}})

    def _data(self, answer: object, *, status: int = 200) -> None:
        self.server.calls.append(self.path)
        failure = self.server.failures.pop(0) if self.server.failures else ""
        if failure == "drop":
            self.close_connection = True
        elif failure == "429":
            self._send("Too Many Requests", status=429)
        elif failure == "html":
            self._send(HTML, status=200)
        else:
            self._send(json.dumps(answer), status=status)

    def _send(self, text: str, *, status: int) -> None:
        content = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
