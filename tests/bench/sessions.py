"""Fifty engineers over SSH on one server: what each costs, what the backends feel of them, and what they leave behind.

Three processes beside the platform: the server (a hall behind a listener without keys, so that nothing is measured but sessions),
and all clients in one. The clients read everything, and type: a prompt is opened and keys are pressed that no screen of ours
shows, so that what comes back is their echo and nothing else. Lag is how late the server's loop comes back to one who asked for
10 ms; latency is wall time at the client, with all that stands between.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests.bench.figure import Figure, Goal, figure, percentile
from tests.bench.harness import ROOT, BenchFailed, end, environment
from tests.bench.idle import calm

SESSIONS, WINDOW_S, SETTLE_S = 50, 60.0, 12.0
WARM, CHURN, STEP = 200, 300, 25  # logins and logouts
PATIENCE_S = 40.0
SWEPT_S = 7.0  # the last logout's timers have run, and the caches were emptied after it
EQUAL = 1.5  # of a poll that comes a dozen times in the window one more or less falls into it; one a session would be 50
AS_ONE = ("kubernetes", "alertmanager", "hls")
MORE = ("elasticsearch", "prometheus")


def run(is_quick: bool) -> Iterator[Figure]:
    sessions, window_s, settle_s = (3, 2.0, 3.0) if is_quick else (SESSIONS, WINDOW_S, SETTLE_S)
    warm, churn, step = (2, 4, 2) if is_quick else (WARM, CHURN, STEP)
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="midwatch-bench-")))
        wire = place / "wire.jsonl"
        config = stack.enter_context(calm(place, wire))
        server = stack.enter_context(child(place, "serve", str(config)))
        port = server.heard()["port"]
        clients = stack.enter_context(child(place, "clients", str(port)))
        time.sleep(settle_s)
        clients.ask("seat 1")
        time.sleep(settle_s / 4)
        server.ask("settle")
        alone, asked_alone = _watched(server, clients, wire, window_s)
        clients.ask(f"seat {sessions - 1}")
        time.sleep(settle_s / 2)
        full, asked = _watched(server, clients, wire, window_s)
        yield figure(
            "sessions_rss", "MB per session beyond the first",
            [(full["rss_mb"] - alone["rss_mb"]) / (sessions - 1)], goal=Goal(2.5), basis="bytes",
        )  # fmt: skip
        yield figure("sessions_cpu", "% of a core", [full["cpu"] * 100], goal=Goal(100.0))
        yield figure("sessions_cpu_of_one", "% of a core", [alone["cpu"] * 100], goal=None)
        yield figure(
            "sessions_lag_p99", "ms", [percentile(full["late_s"], 0.99) * 1000], goal=Goal(50.0), basis="wall"
        )
        yield figure("sessions_lag_max", "ms", [max(full["late_s"]) * 1000], goal=None, basis="wall")
        for name, share, goal in (("p50", 0.5, None), ("p99", 0.99, Goal(100.0))):
            latency_ms = percentile(full["latency_s"], share) * 1000
            yield figure(f"sessions_key_{name}", "ms", [latency_ms], goal=goal, basis="wall")
        yield figure("sessions_bytes", "B/s per session", [full["bytes_per_s"] / sessions], goal=None, basis="bytes")
        for kind in (*AS_ONE, *MORE):
            yield figure(
                f"sessions_requests_{kind}", "requests/s", [asked[kind]], [max(asked_alone[kind], 0.01)],
                goal=Goal(EQUAL if kind in AS_ONE else 5.0, is_ratio=True), basis="count",
            )  # fmt: skip
        clients.ask("leave")
        clients.ask(f"churn {warm}")
        resident = [server.ask("collect")["rss_mb"]]
        for _ in range(churn // step):
            clients.ask(f"churn {step}")
            resident.append(server.ask("collect")["rss_mb"])
        time.sleep(SWEPT_S)
        left = server.ask("collect")
        slope_kb = _slope(resident) / step * 1000
        yield figure("sessions_slope", "kB per login", [slope_kb], goal=Goal(4.0), basis="bytes")
        yield figure("sessions_left", "apps", [float(left["apps"])], goal=Goal(0.0), basis="count")


def _watched(server: Child, clients: Child, wire: Path, window_s: float) -> tuple[dict[str, Any], Counter[str]]:
    """What the server cost while its clients typed for so long, and what the backends were asked a second."""
    before, at, asked = server.ask("collect"), time.monotonic(), _asked(wire)
    typed = clients.ask(f"type {window_s}")
    after, seconds = server.ask("mark"), time.monotonic() - at
    found = {
        **after,
        "cpu": (after["cpu_s"] - before["cpu_s"]) / seconds,
        "rss_mb": server.ask("collect")["rss_mb"],
        "latency_s": typed["latency_s"],
        "bytes_per_s": typed["bytes"] / seconds,
    }
    return found, Counter({kind: (count - asked[kind]) / seconds for kind, count in _asked(wire).items()})


def _asked(wire: Path) -> Counter[str]:
    found: Counter[str] = Counter()
    for line in wire.read_bytes().splitlines():
        told = json.loads(line)
        if "method" in told:
            found[told["server"]] += 1
    return found


def _slope(values: list[float]) -> float:
    """Of the line of least squares through values a step apart."""
    middle, mean = (len(values) - 1) / 2, sum(values) / len(values)
    above = sum((at - middle) * (value - mean) for at, value in enumerate(values))
    return above / sum((at - middle) ** 2 for at in range(len(values)))


class Child:
    """One that answers every line with one."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def heard(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise BenchFailed(f"{self._process.args}: it ended")
        told: dict[str, Any] = json.loads(line)
        return told

    def ask(self, words: str) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(words + "\n")
        self._process.stdin.flush()
        return self.heard()


@contextmanager
def child(place: Path, *words: str) -> Iterator[Child]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.sessions_load", *words],
        cwd=ROOT, env={**environment(place), "PYTHONUNBUFFERED": "1"}, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        yield Child(process)
    finally:
        end(process)  # type: ignore[arg-type]
