"""What the faults of contribution, delivery and nodes add to the log; those of edge-stale and bad-deploy stand with the
calm lines in templates.py."""

from __future__ import annotations

from functools import lru_cache

from console.demo.elasticsearch.documents import Template
from console.demo.world.names import RENDITIONS, TARGET_DURATION_S
from console.demo.world.scenario import CROWDED_CHANNEL, CROWDED_POP, DOOR, SLOW_S, STORMING


def _source(n: int) -> str:
    return f"srt://192.0.2.{n % 8 + 10}:7001"


DISCONNECTED = Template(
    "packager", "error", 1.0,
    lambda e, n, s: f"publisher disconnected: {_source(0)} streamid=live/{e.channel} connection timed out after 3000 ms",
)
RECONNECTED = Template(
    "packager", "warn", 1.0,
    lambda e, n, s: (
        f"publisher reconnected: {_source(0)} streamid=live/{e.channel}, timeline of {e.channel} goes on behind a "
        "discontinuity"
    ),
)


@lru_cache(maxsize=8)
def waiting(since: int) -> tuple[Template, ...]:
    """What the packager says from second `since` on, while its publisher is away."""
    return (
        Template(
            "packager", "warn", 2.0,
            lambda e, n, s: f"no input for {e.channel} since {max(s - since, 0)} s, waiting for its publisher",
        ),
        Template(
            "packager", "error", 1.0,
            lambda e, n, s: (
                f"segment of {e.channel}/{RENDITIONS[n % len(RENDITIONS)]} is due and has no frames: nothing is published"
            ),
        ),
    )


def _slow_line(channel: str | None, n: int, second: int) -> str:
    took_s = SLOW_S + (n % 40 - 20) / 100
    number = second // TARGET_DURATION_S - 2 - n % 3
    return (
        f"GET /live/{channel}/1080p/seg-{number}.ts 200 cache=MISS upstream=parent-{n % 3 + 1} "
        f"upstream_header_time=0.{n % 40 + 11:03d} upstream_time={took_s:.3f} request_time={took_s + 0.004:.3f}"
    )


SLOW_PARENT: tuple[Template, ...] = (
    Template("edge", "warn", 4.0, lambda e, n, s: _slow_line(e.channel, n, s)),
    Template(
        "edge", "error", 1.0,
        lambda e, n, s: (
            f"client closed connection after {3 + n % 2}.{n % 10} s of /live/{e.channel}/1080p/"
            f"seg-{s // TARGET_DURATION_S - 2}.ts, {40 + n % 35} % sent, upstream=parent-{n % 3 + 1}"
        ),
    ),
)
"""Written by the edges behind the slow parents, with a rate per edge."""


@lru_cache(maxsize=8)
def unreached(node: str, since: int) -> tuple[Template, ...]:
    """What the origin says of channels whose packager stood on the lost node."""
    return (
        Template(
            "origin", "error", 3.0,
            lambda e, n, s: (
                f"no new segment of {e.channel}/{RENDITIONS[n % len(RENDITIONS)]} for {max(s - since, 0)} s, its publisher "
                f"on {node} does not answer"
            ),
        ),
        Template(
            "origin", "error", 1.0,
            lambda e, n, s: f"publisher session of {e.channel} from {node} timed out: connect: no route to host",
        ),
    )


STORM: dict[str, tuple[Template, ...]] = {
    STORMING: (
        Template(
            "entitlement-api", "error", 1.0,
            lambda e, n, s: (
                f"entitlement check failed: no free database connection after 250 ms (400 of 400 in use, {6000 + n % 3000} "
                f"waiting), subscriber {n % 10**9:09d}, attempt {1 + n % 40}, retrying now"
            ),
        ),
    ),
    "log-shipper": (
        Template(
            "log-shipper", "warn", 1.0,
            lambda e, n, s: (
                f"bulk request of {200 + n % 300} events rejected: 429 es_rejected_execution_exception, queue capacity 10000, "
                f"sent again in {1 + n % 8} s"
            ),
        ),
    ),
    "vod-api": (
        Template(
            "vod-api", "error", 1.0,
            lambda e, n, s: f"playback {n % 10**8:08x} refused with 503: entitlement-api did not answer within 2000 ms",
        ),
    ),
}
"""What each service says in a storm. Nearly all of it is one pattern of one service."""

CRUNCH: dict[str, tuple[Template, ...]] = {
    DOOR: (
        Template(
            "session-api", "warn", 1.0,
            lambda e, n, s: (
                f"admission: POP {CROWDED_POP} near its egress limit, {20 + n % 60} new sessions of {CROWDED_CHANNEL} told to "
                f"come again in {10 + n % 20} s"
            ),
        ),
    ),
    f"edge-{CROWDED_POP}": (
        Template(
            "edge", "warn", 1.0,
            lambda e, n, s: (
                f"admission: egress at {95 + n % 3} % of its limit, 503 to a client of {e.channel} that has no session yet"
            ),
        ),
    ),
}
"""What each service says when the crowd is there. Whoever is in is served."""
