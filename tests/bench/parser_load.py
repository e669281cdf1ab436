"""`python -m tests.bench.parser_load WHO SEGMENTS ROUNDS`: CPU per playlist, in a process of its own.

WHO is `read` (ours, a playlist never seen before), `m3u8` (the PyPI package), `append` (ours, a live playlist that went on by a
segment, events and standing remarks included) or `unchanged` (ours, the same bytes again).
"""

from __future__ import annotations

import gc
import sys
from datetime import UTC, datetime, timedelta
from time import process_time

from console.probe.hls.playlist import read
from console.probe.hls.reader import Reader
from tests.bench.harness import tell

URL = "https://edge.test/live/1080p/index.m3u8"
BEGAN = datetime(2024, 3, 1, 2, 0, tzinfo=UTC)
COPIES = 40


def playlist(first: int, count: int) -> bytes:
    """As packagers write it: a date and an EXTINF for each segment."""
    lines = ["#EXTM3U", "#EXT-X-VERSION:6", "#EXT-X-TARGETDURATION:4", f"#EXT-X-MEDIA-SEQUENCE:{first}", "#EXT-X-INDEPENDENT-SEGMENTS"]
    for number in range(first, first + count):
        at = (BEGAN + timedelta(seconds=4 * number)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        lines += [f"#EXT-X-PROGRAM-DATE-TIME:{at}", "#EXTINF:4.000,", f"segment-{number}.ts"]
    return "\n".join([*lines, ""]).encode()


def spent(who: str, segments: int, rounds: int) -> float:
    """CPU microseconds per playlist: the least of five passes, because a neighbour can only make one longer."""
    bodies = [playlist(100 + turn, segments) for turn in range(COPIES)]
    now = BEGAN + timedelta(days=30)
    passes: list[float] = []
    if who == "m3u8":
        import m3u8

        texts = [body.decode() for body in bodies]
    for _ in range(5):
        reader = Reader()
        reader.take(bodies[0], URL, now)
        reader.take(bodies[1], URL, now)
        began = process_time()
        for turn in range(rounds):
            if who == "read":
                read(bodies[turn % COPIES], URL)
            elif who == "m3u8":
                m3u8.loads(texts[turn % COPIES], uri=URL)
            elif who == "unchanged":
                reader.take(bodies[1], URL, now)
            else:
                reader.take(bodies[2 + turn % (COPIES - 2)], URL, now)
        passes.append((process_time() - began) / rounds * 1e6)
    return min(passes)


if __name__ == "__main__":
    gc.freeze()  # as the prober does
    gc.set_threshold(10_000, 20, 20)
    tell({"us": spent(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))})
