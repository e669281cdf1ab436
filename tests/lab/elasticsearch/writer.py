"""What writes the log of a busy platform: bulks of ECS documents, so many a second, some of them late. Its own process.

    python writer.py URL INDEX DOCS_PER_S SECONDS LATE_SHARE LATE_S

Every document carries the moment it was made as @timestamp; a late one waits up to LATE_S before it is sent. A bulk that is
not taken is sent again (the server may be frozen or gone), under the same ids, so that no document is there twice. Prints one
JSON object at the end: how many it made and in what time. Only the standard library: it must not cost what it measures.
"""

from __future__ import annotations

import heapq
import http.client
import json
import random
import sys
import time
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

BULK_S = 0.1
OVERDUE_S = 20.0  # of the tail's overlap of 30 s the rest is for the refresh, the settling and the poll
SERVICES = ("edge", "origin", "packager", "transcoder", "drm", "scheduler")
LEVELS = ("debug",) * 10 + ("info",) * 80 + ("warn",) * 7 + ("error",) * 3


def document(rng: random.Random, number: int) -> dict[str, object]:
    """About 500 bytes, as a shipper of containers' logs writes them."""
    service = rng.choice(SERVICES)
    return {
        "@timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "message": f"{number} GET /live/channel-{number % 400}/segment-{number}.m4s 200 {rng.randrange(900_000)} bytes",
        "log": {"level": rng.choice(LEVELS)},
        "service": {"name": service},
        "kubernetes": {"namespace": "live", "pod": {"name": f"{service}-7d9f-{number % 40}"}},
        "host": {"name": f"node-{number % 12}"},
        "cloud": {"region": "emea"},
        "labels": {"channel": f"channel-{number % 400}"},
    }


class Bulks:
    """One connection; opened again when it breaks."""

    def __init__(self, url: str, index: str) -> None:
        self._at = urlsplit(url)
        self._index = index
        self._connection: http.client.HTTPConnection | None = None
        self.retries = 0
        self.slowest_s = 0.0
        self.overdue: list[str] = []

    def send(self, batch: list[tuple[str, dict[str, object]]]) -> None:
        """Until every document is taken, whatever becomes of the server meanwhile."""
        waiting = batch
        while waiting:
            began = time.monotonic()
            try:
                waiting = self._refused(waiting)
            except (OSError, http.client.HTTPException, ValueError):
                self._connection = None
            self.slowest_s = max(self.slowest_s, time.monotonic() - began)
            if waiting:
                self.retries += 1
                time.sleep(0.2)
        before = (
            (datetime.now(UTC) - timedelta(seconds=OVERDUE_S)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        )
        self.overdue += [name for name, doc in batch if str(doc["@timestamp"]) < before]

    def _refused(self, batch: list[tuple[str, dict[str, object]]]) -> list[tuple[str, dict[str, object]]]:
        if self._connection is None:
            self._connection = http.client.HTTPConnection(self._at.hostname or "", self._at.port, timeout=30)
        lines = (f'{{"create":{{"_id":"{name}"}}}}\n{json.dumps(doc)}\n' for name, doc in batch)
        self._connection.request(
            "POST", f"/{self._index}/_bulk?filter_path=errors,items.*.status", "".join(lines).encode(),
            {"Content-Type": "application/x-ndjson"},
        )  # fmt: skip
        answer = self._connection.getresponse()
        told = json.loads(answer.read())
        if answer.status != 200:
            return batch
        items = [item["create"]["status"] for item in told["items"]]
        return [one for one, status in zip(batch, items, strict=True) if status not in (201, 409)]


def main(url: str, index: str, per_s: float, seconds: float, late_share: float, late_s: float) -> None:
    rng = random.Random(7)
    bulks = Bulks(url, index)
    waiting: list[tuple[float, str, dict[str, object]]] = []  # the late ones, by when they are due
    made = late = 0
    run = f"{time.time_ns():x}"
    began = time.monotonic()
    while (passed := time.monotonic() - began) < seconds:
        batch = []
        for number in range(made, int(min(passed + BULK_S, seconds) * per_s)):
            made += 1
            name, doc = f"{run}-{number:x}", document(rng, number)
            if rng.random() < late_share:
                late += 1
                heapq.heappush(waiting, (passed + rng.uniform(0, late_s), name, doc))
            else:
                batch.append((name, doc))
        while waiting and waiting[0][0] <= passed:
            batch.append(heapq.heappop(waiting)[1:])
        bulks.send(batch)
        time.sleep(max(0.0, passed + BULK_S - (time.monotonic() - began)))
    took = time.monotonic() - began
    bulks.send([each[1:] for each in waiting])
    print(json.dumps({"made": made, "late": late, "took_s": round(took, 1), "retries": bulks.retries,
                      "slowest_bulk_s": round(bulks.slowest_s, 2), "overdue": bulks.overdue}), flush=True)  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *map(float, sys.argv[3:7]))
