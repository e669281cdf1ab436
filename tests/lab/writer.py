"""Indexes ten log lines a second, numbered, so that whoever reads them can be caught losing or doubling one.

`python writer.py URL WRITTEN`. WRITTEN is a file with the number of the newest line that the server has confirmed. A line
that is not confirmed is sent again under the same id, as a log shipper does: a server that was away gets all of it later,
once. A new index every ten minutes, and the oldest deleted: the stand-in keeps its documents in memory.
"""

from __future__ import annotations

import http.client
import json
import os
import sys
import time
from collections import deque
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

LINES_PER_S = 10
BULK_EVERY_S = 0.5
INDEX_SPAN_S = 600
KEPT_INDICES = 3
UNSENT_LIMIT = 20_000  # half an hour without a server; what is older is lost, and its numbers are missing
PREFIX = "logs-lab-"
MAPPING = {
    "settings": {"number_of_shards": 1, "number_of_replicas": 0, "refresh_interval": "1s"},
    "mappings": {
        "properties": {
            "@timestamp": {"type": "date"},
            "message": {"type": "text"},
            "log": {"properties": {"level": {"type": "keyword"}}},
            "service": {"properties": {"name": {"type": "keyword"}}},
            "labels": {"properties": {"channel": {"type": "keyword"}}},
            "cloud": {"properties": {"region": {"type": "keyword"}}},
        }
    },
}


class Server:
    """The little of Elasticsearch's HTTP that a shipper needs."""

    def __init__(self, url: str) -> None:
        self._netloc = urlsplit(url).netloc

    def ask(self, method: str, path: str, body: bytes = b"", kind: str = "application/json") -> tuple[int, bytes]:
        """Raises OSError or HTTPException when there is no answer."""
        connection = http.client.HTTPConnection(self._netloc, timeout=5)
        try:
            connection.request(method, path, body, {"Content-Type": kind})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


def line(number: int, at: float) -> dict[str, object]:
    """What the line says is true of this machine: its load when it was written."""
    return {
        "@timestamp": datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "message": f"beat {number} load {os.getloadavg()[0]:.2f}",
        "log": {"level": "warn" if number % 50 == 0 else "info"},
        "service": {"name": "lab-writer"},
        "labels": {"channel": "lab-live"},
        "cloud": {"region": "lab"},
    }


def index_of(at: float) -> str:
    start = datetime.fromtimestamp(at // INDEX_SPAN_S * INDEX_SPAN_S, UTC)
    return f"{PREFIX}{start:%Y.%m.%d-%H%M}"


class Writer:
    """The lines that are not confirmed yet, and the indices made so far."""

    def __init__(self, server: Server, written: Path) -> None:
        self._server = server
        self._written = written
        self._unsent: deque[tuple[int, float, bytes]] = deque(maxlen=UNSENT_LIMIT)
        self._indices: list[str] = []
        self._number = 0

    def write(self, at: float) -> None:
        """One more line, not sent yet. `at` is when it was due: no two are of one millisecond, which would have no order."""
        self._number += 1
        self._unsent.append((self._number, at, json.dumps(line(self._number, at)).encode()))

    def send(self) -> None:
        """All that is not confirmed, in one bulk. Raises OSError or HTTPException when the server is away or refuses."""
        if not self._unsent:
            return
        rows = list(self._unsent)
        for index in dict.fromkeys(index_of(at) for _, at, _ in rows):
            self._make(index)
        body = b"".join(
            json.dumps({"index": {"_index": index_of(at), "_id": f"beat-{number}"}}).encode() + b"\n" + document + b"\n"
            for number, at, document in rows
        )
        status, told = self._server.ask("POST", "/_bulk", body, "application/x-ndjson")
        if status != 200 or json.loads(told).get("errors") is not False:
            raise http.client.HTTPException(f"bulk: {status} {told[:300]!r}")
        for _ in rows:
            self._unsent.popleft()
        beside = self._written.with_suffix(".new")
        beside.write_text(f"{rows[-1][0]}\n")
        beside.replace(self._written)

    def _make(self, index: str) -> None:
        if index in self._indices:
            return
        status, told = self._server.ask("PUT", f"/{index}", json.dumps(MAPPING).encode())
        if status != 200 and b"resource_already_exists" not in told:
            raise http.client.HTTPException(f"{index}: {status} {told[:300]!r}")
        self._indices.append(index)
        while len(self._indices) > KEPT_INDICES:
            self._server.ask("DELETE", f"/{self._indices.pop(0)}")


def main(url: str, written: str) -> None:
    writer = Writer(Server(url), Path(written))
    next_line = next_bulk = time.monotonic()
    while True:
        now = time.monotonic()
        while next_line <= now:
            writer.write(time.time() + next_line - now)
            next_line += 1 / LINES_PER_S
        if next_bulk <= now:
            next_bulk = now + BULK_EVERY_S
            try:
                writer.send()
            except (OSError, http.client.HTTPException, ValueError) as error:
                print(f"{datetime.now(UTC):%H:%M:%S} {type(error).__name__}: {error}", flush=True)
        time.sleep(max(0.0, min(next_line, next_bulk) - time.monotonic()))


if __name__ == "__main__":
    main(*sys.argv[1:])
