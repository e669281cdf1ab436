"""A child: lines offered to a log view, and how late the loop is meanwhile; or only the ring, and what it holds."""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from datetime import UTC, datetime, timedelta

from textual.widgets import RichLog

from console.feeds.log import LogRing
from console.model.logline import LogLine
from console.sources.elasticsearch.fields import ECS, line_of
from tests.bench.figure import percentile
from tests.bench.harness import resident_mb, tell
from tests.bench.hosts import Ours, Stock
from widgets.log import LogView

POOL = 20_000
LEVELS = ("info", "info", "info", "warn", "info", "error")
BEGIN = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
PROBE_S = 0.005
FRAME_S = 0.25  # as the console renews its panes
BURST = 500  # lines RichLog is given at once; it gets as many bursts as it can take


def line(number: int) -> LogLine:
    """As the tail makes them, of a decoded document: few names, but each text an object of its own; message and id
    each another.
    """
    source = {
        "@timestamp": (BEGIN + timedelta(milliseconds=number)).isoformat(),
        "message": f"published segment {number} of uk-sport-1/1080p in {number % 977} ms, playlist at {number // 6}",
        "log": {"level": LEVELS[number % len(LEVELS)]},
        "service": {"name": f"packager-{number % 3}"},
        "kubernetes": {"pod": {"name": f"packager-emea-7c9d8b5f6d-{number % 40:05}"}, "namespace": f"live-{number % 2}"},
        "host": {"name": f"node-{number % 24:02}"},
        "cloud": {"region": f"emea-{number % 2}"},
        "labels": {"channel": f"uk-sport-{number % 30}"},
    }
    return line_of(source, f".ds-logs-video-default-2026.11.22-000001/{number:020}", ECS, is_late=False)


async def lags(into: list[float]) -> None:
    """How much later than asked the loop comes back, for ever."""
    while True:
        wanted = time.monotonic() + PROBE_S
        await asyncio.sleep(PROBE_S)
        into.append(time.monotonic() - wanted)


def ours(per_s: float, seconds: float) -> Ours:
    ring = LogRing()
    view = LogView(ring)
    pool = [line(number) for number in range(POOL)]

    async def load() -> dict[str, float]:
        late: list[float] = []
        probe = asyncio.create_task(lags(late))
        began = painted = time.monotonic()
        offered = 0
        while (now := time.monotonic()) < began + seconds:
            due = int((now - began) * per_s)
            for number in range(offered, due):
                ring.append(pool[number % POOL])
            offered = due
            if now >= painted + FRAME_S:
                painted = now
                view.advance()
            await asyncio.sleep(0.01)
        probe.cancel()
        return {"lines": offered, "lag_p99_ms": percentile(late, 0.99) * 1000, "lag_max_ms": max(late) * 1000}

    return Ours([view], load)


def stock(_per_s: float, seconds: float) -> Stock:
    """As many as it can take; its texts are ready, and it colours nothing."""
    log = RichLog(max_lines=100_000)
    pool = [f"{each.at:%H:%M:%S} {each.level[:1].upper()} {each.service} {each.message}" for each in map(line, range(POOL))]

    async def load() -> dict[str, float]:
        offered = 0
        began = time.monotonic()
        while time.monotonic() < began + seconds:
            for number in range(offered, offered + BURST):
                log.write(pool[number % POOL])
            offered += BURST
            await asyncio.sleep(0.001)
        return {"lines": offered}

    return Stock([log], load)


def held(lines: int) -> None:
    """What a ring of so many lines takes."""
    ring = LogRing(lines)
    ring.append(line(0))
    gc.collect()
    before = resident_mb()
    for number in range(lines):
        ring.append(line(number))
    gc.collect()
    tell({"held_mb": resident_mb() - before, "lines": lines})


def main() -> None:
    """`ours|stock LINES_PER_S SECONDS`, `held LINES`"""
    if sys.argv[1] == "held":
        held(int(sys.argv[2]))
        return
    make = {"ours": ours, "stock": stock}[sys.argv[1]]
    make(*map(float, sys.argv[2:4])).run()


if __name__ == "__main__":
    main()
