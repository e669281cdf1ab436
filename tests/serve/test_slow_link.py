"""A phone's link, 64 kbit/s and 300 ms there and back, all panes live: from a key to what it changes on the screen.

The link is `air.py`: packets between two network namespaces, so losses are real and both ends are the kernel's TCP; where no
namespace can be made it is `slowly.py`, which plays them. Which it was is printed with the figure. The key is the arrow that moves
the mark of the overview's first pane, pressed at moments that have nothing to do with the console's own seconds.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import asyncssh
import pytest

from tests.e2e.platform import Platform
from tests.e2e.waiting import until
from tests.serve.air import air
from tests.serve.client import Client, Window
from tests.serve.keys import Keys
from tests.serve.need import found
from tests.serve.server import Serving, serving
from tests.serve.slowly import Way, slowly

pytestmark = [pytest.mark.proof, pytest.mark.timeout(600)]  # it is measured, so nothing else may run beside it
KEYS = 80
MARK = "▸"


@pytest.fixture(scope="module")
def reached(place: Path, site: Platform, keys: Keys) -> Iterator[Serving]:
    """A server on every address, so that it is reached over the link, too; it looks after its clients often."""
    with serving(place / "reached", site, keys, host="0.0.0.0", keepalive_s=2.0) as running:
        yield running


def _row(terminal: Window) -> int:
    """Where the mark stands; -1 where there is none."""
    return next((row for row, line in enumerate(terminal.lines) if MARK in line[:6]), -1)


def latencies(terminal: Window, count: int, seed: int = 7) -> list[float]:
    """Seconds from a key to the mark in its new line, in the order of the keys."""
    chance = random.Random(seed)
    took: list[float] = []
    step = -1
    for _ in range(count):
        time.sleep(chance.uniform(0.6, 1.3))  # no condition is waited for: this is the engineer, thinking
        step = -step
        wanted, begin = _row(terminal) + step, time.monotonic()
        terminal.press("\x1b[B" if step > 0 else "\x1b[A")
        took.append(terminal.when(lambda wanted=wanted: _row(terminal) == wanted, 30) - begin)  # type: ignore[misc]
    return took


def _quantile(values: list[float], share: float) -> float:
    return sorted(values)[max(0, -(-len(values) * round(share * 100) // 100) - 1)]


def _panes_live(terminal: Window) -> int:
    return sum(line.count(" live ") + line.endswith("live") for line in terminal.lines if any(f" {n} " in line for n in (1, 2, 3, 4)))


def _measured(terminal: Window, kind: str, loss: float, told: dict[str, object]) -> list[float]:
    terminal.shows("Streams", "Logs", "Workloads", "Capacity", "q quit", within_s=60)
    until(lambda: _row(terminal) >= 0 and "stale" not in terminal.screen, "every pane live", 60, seen=lambda: terminal.screen)
    latencies(terminal, 3)
    before, begin = terminal.received, time.monotonic()
    took = latencies(terminal, KEYS)
    rate = (terminal.received - before) / (time.monotonic() - begin)
    screen = terminal.screen
    assert "stale" not in screen, screen
    figures = " ".join(f"p{round(share * 100)} {_quantile(took, share) * 1000:.0f} ms" for share in (0.5, 0.9, 0.95, 0.99))
    print(f"slow link ({kind}, 64 kbit/s, 150 ms each way, loss {loss:.0%}): {len(took)} keys, {figures}, "
          f"max {max(took) * 1000:.0f} ms, {rate:.0f} B/s to the screen; load {os.getloadavg()[0]:.1f} {told or ''}")  # fmt: skip
    return took


def _over_the_air(server: Serving, loss: float, number: int) -> list[float]:
    told: dict[str, object] = {}
    with air(Way(loss=loss), number, told) as link:
        client = server.client("mei", host=link.address, before=link.before)
        with client.window() as terminal:
            took = _measured(terminal, "tun between namespaces", loss, told)
    print(f"carried: {told}")
    return took


def test_a_key_is_seen_within_half_a_second_on_a_slow_link(reached: Serving):
    took = _over_the_air(reached, 0.0, 1)
    assert _quantile(took, 0.95) < 0.5


def test_a_key_is_seen_soon_on_a_slow_link_that_loses_packets(reached: Serving):
    took = _over_the_air(reached, 0.02, 2)
    assert _quantile(took, 0.90) < 0.7


def test_the_same_through_a_proxy_that_needs_no_namespace(reached: Serving):
    with slowly(reached.port, Way()) as port:
        client = reached.client("mei", host="127.0.0.1")
        with ExitStack() as stack:
            through = Client(port, client.known_hosts, "mei", client.identity)
            took = _measured(stack.enter_context(through.window()), "a proxy", 0.0, {})
    assert _quantile(took, 0.95) < 0.5


def test_a_client_that_is_stopped_is_dropped_and_others_notice_nothing(reached: Serving):
    local = reached.client("mei", host="127.0.0.1")
    with local.window() as beside:
        beside.shows("Streams", "Capacity", "q quit")
        usual = latencies(beside, 10)
        with reached.client("ana", host="127.0.0.1").window() as stopped:
            stopped.shows("Streams", "Capacity", "q quit")
            until(lambda: reached.number("midwatch_serve_sessions", kind="console") == 2, "both to be counted", 20)
            os.kill(stopped.child.pid, signal.SIGSTOP)
            begin = time.monotonic()
            took = latencies(beside, 10)
            until(lambda: reached.number("midwatch_serve_sessions", kind="console") == 1, "the stopped one to be dropped", 60)
            after_s = time.monotonic() - begin
            os.kill(stopped.child.pid, signal.SIGCONT)
    print(f"stopped client: gone after {after_s:.0f} s (keepalive 3 x 2 s); key beside it p50 {_quantile(took, 0.5) * 1000:.0f} ms, "
          f"max {max(took) * 1000:.0f} ms; before it p50 {_quantile(usual, 0.5) * 1000:.0f} ms, max {max(usual) * 1000:.0f} ms")  # fmt: skip
    assert _quantile(took, 0.5) < max(0.3, 3 * _quantile(usual, 0.5))


async def test_a_reader_that_answers_but_takes_nothing_is_dropped_and_costs_no_memory(reached: Serving):
    """Its connection is alive, its terminal is not: the window of its channel is never opened again."""
    before = reached.number("midwatch_serve_slow_readers_dropped_total")
    memory = reached.resident_mb
    connection = await asyncssh.connect(
        "127.0.0.1", reached.port, username="ana", client_keys=[str(reached.keys.key("ana"))], known_hosts=None, config=None,
        agent_path=None,
    )  # fmt: skip
    async with connection:
        process = await connection.create_process(term_type="xterm", term_size=(200, 60), encoding=None, window=4096)
        process.channel.pause_reading()
        begin = time.monotonic()
        dropped = lambda: reached.number("midwatch_serve_slow_readers_dropped_total") > before  # noqa: E731
        await asyncio.to_thread(until, dropped, "it to be dropped", 90)
        print(f"deaf reader: dropped after {time.monotonic() - begin:.0f} s, memory {memory:.0f} -> {reached.resident_mb:.0f} MB")
    assert reached.resident_mb < memory + 20


def test_the_link_is_what_it_says(tmp_path: Path):
    """A round trip over the air takes what two ways and two packets take, or the figures above mean nothing."""
    import socket
    import subprocess
    import sys
    from threading import Thread

    with air(Way(), 3) as link, socket.create_server((link.address, 0)) as server:
        def echo() -> None:
            peer, _ = server.accept()
            with peer:
                while data := peer.recv(4096):
                    peer.sendall(data)

        Thread(target=echo, daemon=True).start()
        code = (
            "import socket,sys,time\nc=socket.create_connection((sys.argv[1],int(sys.argv[2])))\nfor _ in range(5):\n"
            " t=time.monotonic();c.sendall(b'x'*80);c.recv(80);print(time.monotonic()-t)\n"
        )
        port = str(server.getsockname()[1])
        done = subprocess.run([*link.before, sys.executable, "-c", code, link.address, port], capture_output=True, text=True, check=True)
    took = [float(line) for line in done.stdout.split()]
    assert found("ip")
    assert 0.30 < sorted(took)[2] < 0.40, took
