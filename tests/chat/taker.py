"""A receiver in a thread, for tests whose midwatch is another process: it takes whatever comes, and keeps it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


class Taker:
    """What arrived, in its order."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.documents: list[dict[str, Any]] = []
        self.pictures: list[bytes] = []


@contextmanager
def taker() -> Iterator[Taker]:
    """On loopback, at a port of its own."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers["Content-Type"] == "image/png":
                found.pictures.append(body)
            else:
                found.documents.append(json.loads(body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """To nobody."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found = Taker(f"http://127.0.0.1:{server.server_port}/take")
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
