"""Where alerts arrive in tests: an HTTP server for webhooks and an SMTP server for mail."""

from __future__ import annotations

import email
import json
import smtplib
import socketserver
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread


@dataclass(frozen=True)
class Received:
    """A message as it arrived: `kind` is Apprise's type of a webhook, None for a mail."""

    title: str
    body: str
    kind: str | None = None


class HttpSink(ThreadingHTTPServer):
    """Takes webhooks of Apprise (json://) and pings; `status` is what it answers.

    While `gate` is not set, an answer is held back; `reached` says that a request is waiting.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _HttpHandler)
        self.received: list[Received] = []
        self.pings: list[str] = []
        self.status = 200
        self.gate, self.reached = Event(), Event()
        self.gate.set()

    @property
    def url(self) -> str:
        return f"json://127.0.0.1:{self.server_port}/hook"

    @property
    def ping_url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/alive"

    def handle_error(self, request: object, client_address: object) -> None:
        """Stay silent: a client that gave up is what some tests ask for."""


class _HttpHandler(BaseHTTPRequestHandler):
    server: HttpSink

    def log_message(self, format: str, *args: object) -> None:
        """Keep the log of the tests clean."""

    def do_POST(self) -> None:
        content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.server.status == 200:
            found = Received(content["title"], content["message"], content["type"])
            self.server.received.append(found)
        self.server.reached.set()
        self.server.gate.wait(600)
        self._answer()

    def do_GET(self) -> None:
        self.server.pings.append(self.path)
        self.server.gate.wait(600)
        self._answer()

    def _answer(self) -> None:
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()


class MailSink(socketserver.ThreadingTCPServer):
    """Takes mail by SMTP, as much of it as smtplib speaks."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _MailHandler)
        self.received: list[Received] = []

    @property
    def url(self) -> str:
        port = self.server_address[1]
        return f"mailto://127.0.0.1:{port}?from=finpulse@example.com&to=ops@example.com"


class _MailHandler(socketserver.StreamRequestHandler):
    server: MailSink

    def handle(self) -> None:
        self._say("220 sink")
        while line := self.rfile.readline().decode().strip():
            verb = line.split()[0].upper()
            if verb == "DATA":
                self._say("354 go on")
                self._keep(b"".join(iter(self.rfile.readline, b".\r\n")))
            self._say({"QUIT": "221 bye"}.get(verb, "250 ok"))
            if verb == "QUIT":
                return

    def _keep(self, raw: bytes) -> None:
        mail = email.message_from_bytes(raw, policy=policy.default)
        body = mail.get_body(("plain",)).get_content()
        self.server.received.append(Received(mail["Subject"], body.replace("\r\n", "\n")))

    def _say(self, line: str) -> None:
        self.wfile.write(line.encode() + smtplib.CRLF.encode())


@contextmanager
def running(server: socketserver.BaseServer) -> Iterator[None]:
    """Run a server while the block runs."""
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        if isinstance(server, HttpSink):
            server.gate.set()
        server.shutdown()
        server.server_close()
        thread.join()
