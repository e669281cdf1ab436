"""Watch events of pods a second: decoded and applied by CPU, and over HTTP on loopback by the clock."""

from __future__ import annotations

from collections.abc import Iterator

from tests.bench.api import api
from tests.bench.figure import Figure, Goal, figure
from tests.bench.harness import measured


def run(is_quick: bool) -> Iterator[Figure]:
    pods, events, repeats = (50, 200, 1) if is_quick else (2_000, 60_000, 3)
    told = [measured("k8s_load", "applied", pods, events) for _ in range(repeats)]
    rates = [each["events"] / each["cpu_s"] for each in told]
    yield figure("k8s_watch", "events/s", rates, goal=Goal(50_000), better="higher")
    with api(pods, events) as url:
        told = [measured("k8s_load", "watched", url, events) for _ in range(repeats)]
    rates = [each["events"] / each["wall_s"] for each in told]
    yield figure("k8s_watch_http", "events/s", rates, goal=None, better="higher", basis="wall")
