"""The console on real servers: what it says of this machine and of a stream that ffmpeg writes, against what /proc and the
files themselves say. `make lab` first.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import console
from console.assembly import Engine
from console.config.load import load
from console.feeds.clock import SystemClock
from console.model.scope import Scope
from console.rows.digest import to_json
from console.snapshot import Session, session

ROOT = Path(console.__file__).parents[1]
SITE = ROOT / "tests/lab/site.toml"
LAB = Path(next((line[7:] for line in SITE.read_text().splitlines() if line.startswith("# lab: ")), "") if SITE.exists() else "")
RENDITIONS = ("high", "mid", "low")  # as ffmpeg names their playlists
HEIGHTS = {"180p", "144p", "108p"}  # as the master tells them apart
TARGET_S = 2.0  # T
PERIOD_S = 1.0  # P: a media playlist is asked every T/2, at least a second
SLACK_S = 2.0  # what a busy machine of two cores may add

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(not SITE.exists(), reason="tests/lab/site.toml is missing: run `make lab` first"),
]

Document = dict[str, Any]


def pane(document: Document, name: str) -> Document:
    return next(each for each in document["panes"] if each["name"] == name)


def memory() -> tuple[float, float]:
    """(bytes used, bytes in all) as the kernel says."""
    kilobytes = {line.split(":")[0]: int(line.split()[1]) for line in Path("/proc/meminfo").read_text().splitlines()}
    return (kilobytes["MemTotal"] - kilobytes["MemAvailable"]) * 1024.0, kilobytes["MemTotal"] * 1024.0


def load_1min() -> float:
    return float(Path("/proc/loadavg").read_text().split()[0])


def cores() -> int:
    lines = Path("/proc/stat").read_text().splitlines()
    return sum(line.startswith("cpu") and line[3].isdigit() for line in lines)


def disk_ratio() -> float:
    """As df reckons it: what only root may use is no room."""
    root = os.statvfs("/")
    used = root.f_blocks - root.f_bfree
    return used / (used + root.f_bavail)


def test_a_snapshot_shows_this_machine_and_a_healthy_stream() -> None:
    memory_before, load_before = memory()[0], load_1min()
    ended = subprocess.run(
        [sys.executable, "-m", "console", "--config", str(SITE), "snapshot", "overview", "--format", "json", "--wait", "20s"],
        capture_output=True, text=True, cwd=ROOT, timeout=60, check=False,
    )  # fmt: skip
    memory_after, load_after = memory()[0], load_1min()
    assert ended.returncode == 0, ended.stderr + ended.stdout[-2000:]
    document = json.loads(ended.stdout)

    gauges = {row["name"]: row for row in pane(document, "capacity")["rows"]}
    assert set(gauges) == {"cpu busy", "memory used", "root disk used", "load"}
    assert pane(document, "capacity")["state"] == "live"

    # a gauge may be some seconds older than the snapshot, so what moves is compared with room
    total = memory()[1]
    assert gauges["memory used"]["total"] == total
    low, high = sorted((memory_before / total, memory_after / total))
    assert low - 0.05 <= gauges["memory used"]["ratio"] <= high + 0.05

    assert gauges["cpu busy"]["total"] == cores() == os.cpu_count()
    assert 0 < gauges["cpu busy"]["used"] <= cores()

    low, high = sorted((load_before, load_after))
    assert low - 1.5 <= gauges["load"]["used"] <= high + 1.5
    assert gauges["root disk used"]["ratio"] == pytest.approx(disk_ratio(), abs=0.02)

    streams = pane(document, "streams")
    (channel,) = streams["rows"]
    assert (streams["state"], streams["findings"]) == ("live", [])
    assert (channel["name"], channel["severity"]) == ("lab-live", "OK"), channel["reason"]
    assert (channel["renditions_ok"], channel["renditions_expected"]) == (3, 3)
    assert channel["age_over_t"] < 1.5
    assert streams["watched_s"] >= 1.5 * TARGET_S, "OK was said before a stale stream could have shown itself"


@pytest.fixture
async def watching() -> AsyncIterator[Session]:
    """A watch of the streams that goes on: a snapshot is a new process that would have to warm up each time."""
    engine = Engine.open(load(SITE, {}), None, SystemClock())
    try:
        with session(engine.desk, engine.name, "streams", Scope()) as taking:
            yield taking
    finally:
        await engine.close()


@contextmanager
def stopped_ffmpeg() -> Iterator[Callable[[], None]]:
    """ffmpeg stands still inside; what is given lets it go on earlier. It goes on in any case."""
    pid = int((LAB / "ffmpeg.pid").read_text())
    assert str(LAB).encode() in Path(f"/proc/{pid}/cmdline").read_bytes(), f"process {pid} is not the lab's ffmpeg"
    os.kill(pid, signal.SIGSTOP)
    try:
        yield lambda: os.kill(pid, signal.SIGCONT)
    finally:
        os.kill(pid, signal.SIGCONT)


async def until(watching: Session, what: str, holds: Callable[[Document], bool], within_s: float) -> tuple[Document, float]:
    """The first document of which it holds, and when it was seen (seconds of the wall clock, as file times are)."""
    end = time.monotonic() + within_s
    while True:
        document = json.loads(to_json(watching.digest()))
        if holds(document):
            return document, time.time()
        if time.monotonic() >= end:
            streams = pane(document, "streams")
            pytest.fail(f"not {what} within {within_s:.1f} s: {streams['summary']} {streams['rows']} {streams['findings']}")
        await asyncio.sleep(0.05)


def is_healthy(document: Document) -> bool:
    rows = pane(document, "streams")["rows"]
    return [(row["name"], row["severity"], row["renditions_ok"]) for row in rows] == [("lab-live", "OK", 3)]


def stale(document: Document, severities: set[str]) -> set[str]:
    """The renditions told as STALE with one of the severities."""
    return {
        finding["rendition"]
        for finding in pane(document, "streams")["findings"]
        if finding["code"] == "STALE" and finding["severity"] in severities
    }


def published() -> list[float]:
    """When each rendition's playlist was last written; they are written within a moment of each other."""
    return sorted((LAB / f"media/{name}.m3u8").stat().st_mtime for name in RENDITIONS)


async def test_a_stopped_encoder_turns_its_stream_stale_in_time_and_it_heals(watching: Session) -> None:
    await until(watching, "healthy at first", is_healthy, 20)
    with stopped_ffmpeg() as go_on:
        first, last = published()[0], published()[-1]

        _, seen = await until(watching, "STALE", lambda it: bool(stale(it, {"WARN", "CRIT"})), 10)
        soonest = seen - first
        _, seen = await until(watching, "STALE in all renditions", lambda it: stale(it, {"WARN", "CRIT"}) == HEIGHTS, 10)
        warned_after = seen - last
        document, seen = await until(watching, "STALE and CRIT", lambda it: stale(it, {"CRIT"}) == HEIGHTS, 15)
        crit_after = seen - last

        go_on()
        went_on = time.time()
    healed, seen = await until(watching, "healed", is_healthy, 20)
    healed_after = seen - went_on

    warn_s, crit_s, period_s = 1.5 * TARGET_S, 3 * TARGET_S, 3 * PERIOD_S
    print(
        f"\nSTALE after the last segment: first WARN {soonest:.2f} s, all {warned_after:.2f} s"
        f" (limits {warn_s:.1f}..{warn_s + period_s + SLACK_S:.1f});"
        f" CRIT {crit_after:.2f} s (limits {crit_s:.1f}..{crit_s + period_s + SLACK_S:.1f});"
        f" healed {healed_after:.2f} s after it went on"
    )
    assert soonest >= warn_s, "said stale before 1.5 T were over"
    assert warned_after <= warn_s + period_s + SLACK_S
    assert crit_s <= crit_after <= crit_s + period_s + SLACK_S

    findings = pane(document, "streams")["findings"]
    assert {finding["entity"] for finding in findings} == {"lab-live"}
    assert {finding["layer"] for finding in findings} == {"package"}, "all renditions at once is the packager"
    assert pane(healed, "streams")["findings"] == []
