"""A model hub on the loopback, as far as fetching a model needs one."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "4556d13015211d73dccd3fdd39d39232506f3e43"
MODEL = "ProsusAI/finbert"


class Hub:
    """A hub that answers GET /{id}/resolve/{revision}/{file} from memory and keeps a log."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.log: list[str] = []
        self.authorization: set[str | None] = set()
        self.status: dict[str, int] = {}
        self.linked_etag: dict[str, str] = {}
        self.cut: set[str] = set()
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                hub.answer(self)

            def log_message(self, *args) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self.server.server_port}"

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        self.log.append(request.path)
        self.authorization.add(request.headers.get("Authorization"))
        name = request.path.rsplit("/", 1)[1]
        if request.path.startswith("/cdn/"):
            return self.send(request, name, {})
        headers = {"X-Repo-Commit": COMMIT, "ETag": '"0"'}
        if not request.path.startswith(f"/{MODEL}/resolve/") or name not in self.files:
            return self.send(request, None, {"X-Error-Code": "EntryNotFound"}, 404)
        if name in self.status:
            return self.send(request, None, headers, self.status[name])
        if name in self.linked_etag:
            linked = {"X-Linked-ETag": f'"{self.linked_etag[name]}"', "Location": f"/cdn/{name}"}
            return self.send(request, None, headers | linked, 302)
        return self.send(request, name, headers)

    def send(self, request, name: str | None, headers: dict[str, str], status: int = 200) -> None:
        body = self.files[name] if name else b""
        request.send_response(status)
        for key, value in (headers | {"Content-Length": str(len(body))}).items():
            request.send_header(key, value)
        request.end_headers()
        request.wfile.write(body[: len(body) // 2] if name in self.cut else body)
