"""The prober before a fleet: 500 live channels of five renditions at one edge, each playlist every 2 s, T = 4 s.

The edge is a process of its own, and its CPU is told apart; the prober is started as the console starts it. Its lag is what its
heartbeats tell, the worst poll of each second, so that the 99th percentile of these is more than that of the polls. A run counts
only when the polls were made and answered: a prober that asks less would be cheap.

With a channel whose playlists take the request and never answer, at the same address as all others, the others must be asked
and answered as without it: what is compared is how many of their polls came back well, in runs that take turns.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from console.model.channel import Channel, Vantage
from console.model.observation import Asked, Heartbeat, Observation, Outcome
from console.model.orders import ProbeOrders
from console.model.severity import Layer
from console.sources.hls.process import ProberProcess
from tests.bench.figure import Figure, Goal, figure, percentile
from tests.bench.harness import ROOT, BenchFailed, cpu_s, end, interleaved
from tests.bench.probe_fleet_load import LADDER, T

PERIOD_S = 2.0
WARM_S = 8.0  # masters, ladders, every connection, and each playlist once
HANGS = "hang"
ASKED = 0.97  # of the polls that are due, at least so many must have been made


class Told(NamedTuple):
    """One run's window."""

    seconds: float
    prober_cpu_s: float
    server_cpu_s: float
    beats: list[Heartbeat]
    well: int  # answers of the channels that do not hang
    ill: list[Observation]


def run(is_quick: bool) -> Iterator[Figure]:
    channels, seconds, repeats = (4, 1.5, 1) if is_quick else (500, 20.0, 3)
    warm_s = 2.5 if is_quick else WARM_S

    def measured(hangs: bool) -> Told:
        told = asyncio.run(_watched(channels, hangs, warm_s, seconds))
        _counts(told, channels, hangs)
        return told

    without, beside = interleaved(lambda: measured(False), lambda: measured(True), repeats)
    runs = [*without, *beside]
    yield figure("probe_fleet_cpu", "% of a core", [_percent(each.prober_cpu_s, each) for each in runs], goal=Goal(100.0))
    lags = [percentile([beat.poll_lag_s for beat in each.beats], 0.99) * 1000 for each in runs]
    yield figure("probe_fleet_lag_p99", "ms", lags, goal=Goal(250.0), basis="wall")
    yield figure("probe_fleet_server_cpu", "% of a core", [_percent(each.server_cpu_s, each) for each in runs], goal=None)
    yield figure(
        "probe_fleet_hang", "polls/s", [each.well / each.seconds for each in beside], [each.well / each.seconds for each in without],
        goal=Goal(0.99, is_ratio=True), better="higher", basis="count",
    )  # fmt: skip


def _percent(spent_s: float, told: Told) -> float:
    return spent_s / told.seconds * 100


def _counts(told: Told, channels: int, hangs: bool) -> None:
    """Raises BenchFailed for a run in which something else was measured."""
    due = channels * (len(LADDER) / PERIOD_S + 1 / T) * told.seconds
    if told.ill:
        raise BenchFailed(f"{len(told.ill)} of {told.well + len(told.ill)} answers were not well, the first: {told.ill[0]}")
    if told.well < due * ASKED - 2 * channels:  # the window begins and ends within a period
        spent = f"the prober had {_percent(told.prober_cpu_s, told):.0f} % of a core, the load average is {os.getloadavg()[0]:.1f}"
        raise BenchFailed(f"{told.well} answers where {due:.0f} were due; {spent}")
    if not told.beats or (hangs and told.beats[-1].in_flight < len(LADDER)):
        raise BenchFailed(f"the channel that should hang does not, or nothing was heard: {told.beats[-1:]}")


async def _watched(channels: int, hangs: bool, warm_s: float, seconds: float) -> Told:
    with _edge() as (server, port):
        orders = ProbeOrders(channels=tuple(_fleet(channels, port, hangs)), period_s=PERIOD_S)
        async with ProberProcess(orders) as prober:
            pid = prober.pid
            assert pid is not None
            beats: list[Heartbeat] = []
            seen: list[Observation] = []

            async def hear() -> None:
                while True:
                    batch = await prober.hear()
                    seen.extend(batch.observations)
                    if batch.heartbeat is not None:
                        beats.append(batch.heartbeat)

            hearing = asyncio.create_task(hear())
            await asyncio.wait((hearing,), timeout=warm_s)
            seen.clear()
            beats.clear()
            began, spent, served = time.monotonic(), cpu_s(pid), cpu_s(server)
            await asyncio.wait((hearing,), timeout=seconds)
            spent, served, took = cpu_s(pid) - spent, cpu_s(server) - served, time.monotonic() - began
            if hearing.done():
                raise BenchFailed(f"the prober ended: {hearing.exception()}")
            hearing.cancel()
    playlists = [each for each in seen if each.asked in (Asked.MASTER, Asked.MEDIA)]
    others = [each for each in playlists if each.channel != HANGS]
    ill = [each for each in others if each.outcome is not Outcome.OK]
    return Told(took, spent, served, beats, len(others) - len(ill), ill)


def _fleet(channels: int, port: int, hangs: bool) -> Iterator[Channel]:
    for name in (*(f"channel-{number:03}" for number in range(channels)), *((HANGS,) if hangs else ())):
        url = f"http://edge.bench.test/{name}/master.m3u8"
        vantage = Vantage(name="edge", layer=Layer.EDGE, url=url, connect_to=f"127.0.0.1:{port}")
        yield Channel(name=name, vantages=(vantage,))


@contextmanager
def _edge() -> Iterator[tuple[int, int]]:
    """The load server: (pid, port)."""
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-m", "tests.bench.probe_fleet_load"]
    child = subprocess.Popen(words, cwd=ROOT, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    try:
        assert child.stdout is not None
        line = child.stdout.readline()
        if not line.strip().isdigit():
            raise BenchFailed(f"the load server said {line!r} instead of its port, exit {child.poll()}")
        yield child.pid, int(line)
    finally:
        end(child)
        if child.stdout is not None:
            child.stdout.close()
