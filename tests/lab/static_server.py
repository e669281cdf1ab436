"""The origin of the lab: a folder of HLS served over HTTP/1.1 on loopback, as a plain web server would.

`python static_server.py FOLDER PORT`. The standard library's handler speaks HTTP/1.0 by default, knows no m3u8 and sends
no ETag; a prober asks every second and must get a kept connection and a 304, or the lab would not look like an origin.
"""

from __future__ import annotations

import http.server
import os
import sys
from email.utils import formatdate
from http import HTTPStatus
from pathlib import Path

TYPES = {
    ".m3u8": "application/vnd.apple.mpegurl",
    ".ts": "video/mp2t",
    ".m4s": "video/iso.segment",
    ".mp4": "video/mp4",
}


class Handler(http.server.BaseHTTPRequestHandler):
    """GET and HEAD of files directly in the folder; everything else is 404 or 501."""

    protocol_version = "HTTP/1.1"
    server_version = "lab"
    timeout = 60  # seconds a kept connection may be idle
    folder: Path

    def do_GET(self) -> None:
        self._serve(with_body=True)

    def do_HEAD(self) -> None:
        self._serve(with_body=False)

    def _serve(self, with_body: bool) -> None:
        name = self.path.partition("?")[0].removeprefix("/")
        kind = TYPES.get(Path(name).suffix)
        if kind is None or "/" in name or name.startswith("."):
            self._answer(HTTPStatus.NOT_FOUND, b"", {})
            return
        try:
            with (self.folder / name).open("rb") as file:  # one handle: a rename between stat and read would tear the pair
                body = file.read()
                stat = os.fstat(file.fileno())
        except OSError:
            self._answer(HTTPStatus.NOT_FOUND, b"", {})
            return
        etag = f'"{stat.st_mtime_ns:x}-{stat.st_size:x}"'
        headers = {
            "ETag": etag,
            "Last-Modified": formatdate(stat.st_mtime, usegmt=True),
            "Cache-Control": "no-cache",
        }
        if etag in (tag.strip() for tag in self.headers.get("If-None-Match", "").split(",")):
            self._answer(HTTPStatus.NOT_MODIFIED, None, headers)
        else:
            self._answer(HTTPStatus.OK, body, {**headers, "Content-Type": kind}, with_body)

    def _answer(self, status: HTTPStatus, body: bytes | None, headers: dict[str, str], with_body: bool = True) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if body is not None:  # a 304 has no length of its own
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if body and with_body:
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet: at one request a second for each rendition the log would only grow."""


def main(folder: str, port: str) -> None:
    Handler.folder = Path(folder)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(port)), Handler)
    server.daemon_threads = True
    server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
