"""The attack set: what a hostile or broken client sends, as bytes, and the status it must get.

Each attack is a name, the bytes of one connection, and the expected status; 0 where the connection
is closed without an answer, for there is nobody to answer.
"""

from __future__ import annotations

import gzip
import json
import pickle
import zlib
from dataclasses import dataclass

ROW = {"return_1d": 0.5, "rsi_14": None, "sentiment_mean": 1}
HOST = b"Host: test\r\n"
TYPE = b"Content-Type: "
JSON = b"Content-Type: application/json\r\n"


@dataclass(frozen=True)
class Attack:
    """Bytes to send and the status to get; `leaves`: the client closes after sending."""

    name: str
    sent: bytes
    status: int
    leaves: bool = False


def raw(line: bytes, headers: bytes = b"", body: bytes = b"") -> bytes:
    """Return a request as it stands on the wire; the connection is closed after it."""
    return line + b"\r\n" + HOST + headers + b"Connection: close\r\n\r\n" + body


def post(body: bytes, path: bytes = b"/predict", headers: bytes = JSON) -> bytes:
    length = b"Content-Length: %d\r\n" % len(body)
    return raw(b"POST %b HTTP/1.1" % path, headers + length, body)


def row(**changes: object) -> bytes:
    return json.dumps({"features": ROW | changes}).encode()


def row_with(literal: str) -> bytes:
    return row().replace(b"null", literal.encode())


def chunked(*chunks: bytes, end: bool = True) -> bytes:
    sent = b"".join(b"%x\r\n%b\r\n" % (len(it), it) for it in chunks)
    head = JSON + b"Transfer-Encoding: chunked\r\n"
    return raw(b"POST /predict HTTP/1.1", head, sent + (b"0\r\n\r\n" if end else b""))


def batch(**fields: object) -> bytes:
    return post(json.dumps(fields).encode(), b"/predict_batch")


def many_names(count: int) -> bytes:
    names = ", ".join(f'"n{at}": 1' for at in range(count))
    return f'{{"features": {{{names}, "n{count - 1}": 2}}}}'.encode()


GOOD = b'{"symbol":"AAPL"}'
BOMB = gzip.compress(b"[" * 10_000_000)

BODIES = [
    ("empty", b"", 400),
    ("no JSON", b"hello", 400),
    ("half JSON", b'{"symbol": "AAPL"', 400),
    ("two documents", GOOD + GOOD, 400),
    ("trailing comma", b'{"symbol": "AAPL",}', 400),
    ("a comment", b'{"symbol": "AAPL" /* x */}', 400),
    ("single quotes", b"{'symbol': 'AAPL'}", 400),
    ("an array", b"[]", 400),
    ("a number", b"1", 400),
    ("a text", b'"AAPL"', 400),
    ("null", b"null", 400),
    ("true", b"true", 400),
    ("an empty object", b"{}", 400),
    ("arrays nested 30,000 deep", b"[" * 30_000 + b"]" * 30_000, 400),
    ("objects nested 10,000 deep", b'{"a":' * 10_000 + b"1" + b"}" * 10_000, 400),
    ("features nested deep", b'{"features": ' + b"[" * 30_000, 400),
    ("a byte order mark", b"\xef\xbb\xbf" + GOOD, 200),
    ("UTF-16", GOOD.decode().encode("utf-16"), 200),
    ("broken UTF-8", b'{"symbol": "\xff\xfe"}', 400),
    ("an overlong UTF-8", b'{"symbol": "\xc0\xaf"}', 400),
    ("a lone surrogate", b'{"symbol": "\\ud800"}', 404),
    ("a NUL in the symbol", b'{"symbol": "AA\\u0000PL"}', 404),
    ("a raw NUL", b'{"symbol": "AA\x00PL"}', 400),
    ("only NULs", b"\x00" * 1000, 400),
    ("the symbol twice", b'{"symbol": "AAPL", "symbol": "MSFT"}', 400),
    ("the field twice, escaped", b'{"symbol": "AAPL", "\\u0073ymbol": "MSFT"}', 400),
    ("symbol and features", b'{"symbol": "AAPL", "features": {}}', 400),
    ("an unknown field", b'{"symbol": "AAPL", "admin": true}', 400),
    ("__proto__", b'{"symbol": "AAPL", "__proto__": {}}', 400),
    ("__class__", b'{"__class__": "os.system", "symbol": "AAPL"}', 400),
    ("a symbol that is a number", b'{"symbol": 7}', 400),
    ("a symbol that is null", b'{"symbol": null}', 400),
    ("a symbol that is a list", b'{"symbol": ["AAPL"]}', 400),
    ("a symbol of spaces", b'{"symbol": "   "}', 400),
    ("a symbol of 60 kB", b'{"symbol": "' + b"A" * 60_000 + b'"}', 404),
    ("a symbol of combining marks", '{"symbol": "A' + "\u0301" * 9000 + '"}', 404),
    ("right to left", '{"symbol": "\u202eLPAA"}', 404),
    ("full width letters", '{"symbol": "\uff21\uff21\uff30\uff2c"}', 404),
    ("SQL in the symbol", b'{"symbol": "\'; drop table prices; --"}', 404),
    ("HTML in the symbol", b'{"symbol": "<script>alert(1)</script>"}', 404),
    ("a path in the symbol", b'{"symbol": "../../etc/passwd"}', 404),
    ("a template in the symbol", b'{"symbol": "{{7*7}} ${7*7} %s%s%n"}', 404),
    ("a header in the symbol", b'{"symbol": "A\\r\\nSet-Cookie: a=b"}', 404),
    ("a shell in the symbol", b'{"symbol": "`id` $(id) | id"}', 404),
    ("a log4j lookup", b'{"symbol": "${jndi:ldap://127.0.0.1/a}"}', 404),
    ("NaN", row_with("NaN"), 400),
    ("Infinity", row_with("Infinity"), 400),
    ("-Infinity", row_with("-Infinity"), 400),
    ("1e999", row_with("1e999"), 400),
    ("-1e999", row_with("-1e999"), 400),
    ("1e308", row_with("1e308"), 200),
    ("the smallest number", row_with("5e-324"), 200),
    ("minus zero", row_with("-0.0"), 200),
    ("a whole number of 400 digits", row_with("1" + "0" * 400), 400),
    ("a whole number of 5,000 digits", row_with("1" * 5000), 400),
    ("a fraction of 30,000 digits", row_with("0." + "3" * 30_000), 200),
    ("a hexadecimal number", row_with("0x10"), 400),
    ("a leading plus", row_with("+1"), 400),
    ("a leading zero", row_with("01"), 400),
    ("a text for a number", row(rsi_14="50"), 400),
    ("a boolean for a number", row(rsi_14=True), 400),
    ("a list for a number", row(rsi_14=[1]), 400),
    ("an object for a number", row(rsi_14={"a": 1}), 400),
    ("features that are a list", b'{"features": [1, 2, 3]}', 400),
    ("no features", b'{"features": {}}', 400),
    ("a missing feature", b'{"features": {"rsi_14": 1}}', 400),
    ("an unknown feature", row(evil=1), 400),
    ("a feature twice", row()[:-2] + b', "rsi_14": 2}}', 400),
    ("4,000 names, one twice", many_names(4000), 400),
    ("the names of 60 kB", b'{"features": {"' + b"a" * 60_000 + b'": 1}}', 400),
    ("names with colons", b'{"features": {"a:b:c": 1, "return_1d": 2}}', 400),
    ("a pickle", pickle.dumps({"symbol": "AAPL"}), 400),
    ("gzip without a word", gzip.compress(GOOD), 400),
    ("65 KiB and a byte", b" " * 65_536 + GOOD, 413),
    ("spaces to the limit", b" " * (65_536 - len(GOOD)) + GOOD, 200),
    ("10 MB", b"x" * 10_000_000, 413),
]  # fmt: skip

QUERIES = [
    ("an unknown query", b"/predict?debug=1", 400),
    ("a query of 8 kB", b"/predict?" + b"a" * 8000, 400),
    ("a query with a script", b"/predict?features=%3Cscript%3E", 400),
    ("a query twice", b"/predict?features=1&features=0", 200),
    ("a broken escape", b"/predict?features=%zz", 400),
]

PATHS = [
    ("a path upwards", b"/../../etc/passwd", 404),
    ("an escaped path upwards", b"/%2e%2e/%2e%2e/etc/passwd", 404),
    ("a NUL in the path", b"/predict%00", 404),
    ("a backslash", b"/..\\..\\windows", 404),
    ("two slashes", b"//predict", 404),
    ("a slash at the end", b"/predict/", 404),
    ("an id upwards", b"/predictions/..%2f..%2fetc", 404),
    ("a long path", b"/" + b"a" * 10_000, 404),
    ("UTF-8 in the path", b"/%e2%82%ac", 404),
    ("broken UTF-8 in the path", b"/%ff%fe", 404),
    ("WordPress", b"/wp-login.php", 404),
    ("the environment", b"/.env", 404),
    ("git", b"/.git/config", 404),
    ("BentoML's page", b"/static_content/index.html", 404),
    ("an absolute form", b"http://elsewhere.example/predict", 405),
]

HEADS = [
    ("no Content-Type", post(GOOD, headers=b""), 415),
    ("a form", post(GOOD, headers=b"Content-Type: application/x-www-form-urlencoded\r\n"), 415),
    ("text", post(GOOD, headers=b"Content-Type: text/plain\r\n"), 415),
    ("XML", post(b"<a/>", headers=b"Content-Type: application/xml\r\n"), 415),
    ("a pickle's type", post(b"x", headers=TYPE + b"application/vnd.bentoml+pickle\r\n"), 415),
    ("multipart", post(b"x", headers=b"Content-Type: multipart/form-data; boundary=a\r\n"), 415),
    ("another charset", post(GOOD, headers=TYPE + b"application/json; charset=utf-7\r\n"), 415),
    ("a gzip bomb", post(BOMB[:60_000], headers=JSON + b"Content-Encoding: gzip\r\n"), 415),
    ("deflate", post(zlib.compress(GOOD), headers=JSON + b"Content-Encoding: deflate\r\n"), 415),
    ("a header of 20 kB", post(GOOD, headers=JSON + b"X-Big: " + b"a" * 20_000 + b"\r\n"), 431),
    ("1,000 headers", post(GOOD, headers=JSON + b"X-A: aaaaaaaaaaaaaaaaaa\r\n" * 1000), 431),
    ("an endless header", b"GET /health HTTP/1.1\r\n" + HOST + b"X-Big: " + b"a" * 100_000, 431),
    ("an endless request line", b"GET /" + b"a" * 100_000, 431),
    ("a proxy of another host", post(GOOD, headers=JSON + b"X-Forwarded-For: 10.0.0.1\r\n"), 401),
    ("a request id with a break", post(GOOD, headers=JSON + b"X-Request-ID: a b<script>\r\n"), 200),
    ("a wrong key where none is asked", post(GOOD, headers=JSON + b"X-API-Key: x\r\n"), 200),
]  # fmt: skip

SMUGGLING = [
    ("two lengths", post(GOOD, headers=JSON + b"Content-Length: 5\r\n"), 400),
    ("a length and chunks", raw(b"POST /predict HTTP/1.1", JSON + b"Content-Length: 4\r\n"
                                b"Transfer-Encoding: chunked\r\n", b"0\r\n\r\n"), 400),
    ("a negative length", raw(b"POST /predict HTTP/1.1", JSON + b"Content-Length: -1\r\n"), 400),
    ("a length of letters", raw(b"POST /predict HTTP/1.1", JSON + b"Content-Length: ten\r\n"), 400),
    ("a length of 25 digits",
     raw(b"POST /predict HTTP/1.1", JSON + b"Content-Length: " + b"9" * 25 + b"\r\n"), 400),
    ("a length of 10 GB",
     raw(b"POST /predict HTTP/1.1", JSON + b"Content-Length: 10000000000\r\n"), 413),
    ("an unknown coding",
     raw(b"POST /predict HTTP/1.1", JSON + b"Transfer-Encoding: evil\r\n", b"0\r\n\r\n"), 400),
    ("a chunk of no size", raw(b"POST /predict HTTP/1.1", JSON + b"Transfer-Encoding: chunked\r\n",
                               b"zz\r\n"), 400),
    ("a chunk of 2^64", raw(b"POST /predict HTTP/1.1", JSON + b"Transfer-Encoding: chunked\r\n",
                            b"fffffffffffffffff\r\n"), 400),
    ("a space before the colon", raw(b"GET /health HTTP/1.1", b"X-A : b\r\n"), 400),
    ("a folded header", raw(b"GET /health HTTP/1.1", b"X-A: b\r\n c\r\n"), 400),
    ("a bare line feed in a header", raw(b"GET /health HTTP/1.1", b"X-A: a\nX-B: b\r\n"), 400),
    ("a NUL in a header", raw(b"GET /health HTTP/1.1", b"X-A: a\x00b\r\n"), 400),
    ("HTTP/9.9", raw(b"GET /health HTTP/9.9"), 400),
    ("HTTP/2 at once", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 100, 400),
    ("SSH", b"SSH-2.0-OpenSSH_9.0\r\n", 400),
    ("binary", bytes(range(256)), 400),
    ("a method that is unknown", raw(b"EVIL /predict HTTP/1.1"), 400),
    ("TRACE", raw(b"TRACE /predict HTTP/1.1"), 405),
    ("CONNECT", raw(b"OPTIONS /predict HTTP/1.1", b"Origin: http://evil.example\r\n"), 405),
    ("DELETE", raw(b"DELETE /predict HTTP/1.1"), 405),
    ("GET on /predict", raw(b"GET /predict HTTP/1.1"), 405),
    ("POST on /metrics", post(GOOD, b"/metrics"), 405),
    ("a WebSocket", raw(b"GET /predict HTTP/1.1", b"Upgrade: websocket\r\n"
                        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAA==\r\n"),
     405),
]  # fmt: skip

STREAMS = [
    ("chunks of a good body", chunked(GOOD[:5], GOOD[5:]), 200),
    ("chunks of a byte", chunked(*(bytes([it]) for it in GOOD)), 200),
    ("chunks without an end", chunked(*[b"x" * 0x4000] * 5, end=False), 413),
    ("a batch of 10 MB", post(b"x" * 10_000_000, b"/predict_batch"), 413),
]

BATCHES = [
    ("an empty batch", batch(), 400),
    ("a batch of none", batch(symbols=[]), 400),
    ("a batch of 513", batch(symbols=["AAPL"] * 513), 400),
    ("a batch of 512", batch(symbols=["AAPL"] * 512), 200),
    ("a batch of both", batch(symbols=["AAPL"], columns=list(ROW), rows=[[1, 2, 3]]), 400),
    ("a batch with a text", batch(columns=list(ROW), rows=[[1, "x", 3]]), 400),
    ("a batch of short rows", batch(columns=list(ROW), rows=[[1, 2]]), 400),
    ("a batch of unknown columns", batch(columns=["a", "b", "c"], rows=[[1, 2, 3]]), 400),
    ("a batch with NaN", batch(columns=list(ROW), rows=[[1, float("nan"), 3]]), 400),
    ("a deep batch", post(b'{"rows": ' + b"[" * 100_000, b"/predict_batch"), 400),
]

ABORTED = [
    ("half a head", b"POST /predict HT", 0),
    ("a head alone", raw(b"POST /predict HTTP/1.1", JSON + b"Content-Length: 100\r\n"), 0),
    ("half a body", post(GOOD)[:-5], 0),
    ("half a chunk", chunked(GOOD, end=False)[:-5], 0),
    ("nothing", b"", 0),
]

ATTACKS = [
    *(Attack(name, post(it if isinstance(it, bytes) else it.encode()), want)
      for name, it, want in BODIES),
    *(Attack(name, post(GOOD, path), want) for name, path, want in QUERIES),
    *(Attack(name, raw(b"GET %b HTTP/1.1" % path), want) for name, path, want in PATHS),
    *(Attack(name, sent, want) for name, sent, want in (*HEADS, *SMUGGLING, *STREAMS, *BATCHES)),
    *(Attack(name, sent, want, leaves=True) for name, sent, want in ABORTED),
]  # fmt: skip
