"""One of the small web servers behind the lab's balancers: NAME FOLDER PORT. It says who it is, holds each request for a
moment, and answers 503 for as long as FOLDER/NAME.fails is there.
"""

from __future__ import annotations

import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HOLD_S = 0.02


def serve(name: str, folder: Path, port: int) -> None:
    fails = folder / f"{name}.fails"

    class Answer(BaseHTTPRequestHandler):
        """Of one connection."""

        def do_GET(self) -> None:
            time.sleep(HOLD_S)
            self.send_response(503 if fails.exists() and self.path != "/health" else 200)
            self.send_header("X-Server", name)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """A line a request would fill the disk."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Answer)
    server.daemon_threads = True
    server.serve_forever()


if __name__ == "__main__":
    serve(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
