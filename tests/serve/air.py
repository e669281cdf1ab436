"""A narrow link with real losses: two tun devices, one of them in a network namespace of its own, and this process between.

`python -m tests.serve.air JSON` reads IP packets from one device and writes them to the other, each as late as the link makes
it; what does not fit into the queue, and what chance takes, is lost. So both ends are the kernel's own TCP, with its own
retransmissions, congestion control and buffers, which a proxy can only play. `tc netem` would do the same; the kernels this is
run on need not have it (sch_netem). Needs root and /dev/net/tun. Nothing of it stays: a tun device ends with its process, the
namespace is removed by name.
"""

from __future__ import annotations

import fcntl
import heapq
import itertools
import json
import os
import random
import select
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from tests.e2e.platform import ROOT
from tests.serve.need import found, need, need_root
from tests.serve.slowly import Way

_TUNSETIFF = 0x400454CA
_IFF_TUN, _IFF_NO_PI = 0x0001, 0x1000


class Air(msgspec.Struct, frozen=True):
    """A link that is up: the server's address on it, and the words that run a program at the far end."""

    address: str
    before: tuple[str, ...]


def _tun(name: str) -> int:
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, _TUNSETIFF, struct.pack("16sH", name.encode(), _IFF_TUN | _IFF_NO_PI))
    return device


class _Direction:
    """Packets from one device to the other: one at a time onto the wire, then the way itself."""

    def __init__(self, way: Way, source: int, sink: int, chance: random.Random) -> None:
        self._way, self.source, self._sink, self._chance = way, source, sink, chance
        self._free_at = 0.0
        self.flying: list[tuple[float, int, bytes]] = []
        self._count = itertools.count()
        self.carried = self.lost = self.overflown = 0

    def take(self) -> None:
        while True:
            try:
                packet = os.read(self.source, 2048)
            except BlockingIOError:
                return
            now, way = time.monotonic(), self._way
            if (self._free_at - now) * way.rate_bps / 8 > way.queue:
                self.overflown += 1
                continue
            self._free_at = max(now, self._free_at) + len(packet) * 8 / way.rate_bps
            if self._chance.random() < way.loss:
                self.lost += 1
                continue
            heapq.heappush(self.flying, (self._free_at + way.delay_s, next(self._count), packet))

    def give(self, now: float) -> None:
        while self.flying and self.flying[0][0] <= now:
            packet = heapq.heappop(self.flying)[2]
            try:
                os.write(self._sink, packet)
                self.carried += 1
            except OSError:  # the far end has just gone away
                self.lost += 1


def main(told: str) -> None:
    """Until SIGTERM, or until whoever started it is gone; then what it carried, as JSON."""
    wanted = json.loads(told)
    way, name, near, far = msgspec.convert(wanted["way"], Way), wanted["name"], wanted["near"], wanted["far"]
    ip = found("ip") or "ip"
    ends = [_tun(f"{name}n"), _tun(f"{name}f")]
    chance = random.Random(way.seed)
    there, back = _Direction(way, ends[1], ends[0], chance), _Direction(way, ends[0], ends[1], chance)
    inside = [ip, "netns", "exec", name]
    for words in (
        [ip, "netns", "add", name],
        [ip, "addr", "add", near, "peer", far, "dev", f"{name}n"],
        [ip, "link", "set", f"{name}n", "up"],
        [ip, "link", "set", f"{name}f", "netns", name],
        [*inside, ip, "addr", "add", far, "peer", near, "dev", f"{name}f"],
        [*inside, ip, "link", "set", "lo", "up"],
        [*inside, ip, "link", "set", f"{name}f", "up"],
    ):
        subprocess.run(words, check=True, stdin=subprocess.DEVNULL)
    caught: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: caught.append(number))
    print("ready", flush=True)
    try:
        while not caught and os.getppid() == wanted["parent"]:
            due = min((one.flying[0][0] for one in (there, back) if one.flying), default=time.monotonic() + 0.2)
            try:
                ready, _, _ = select.select(ends, [], [], max(0.0, min(0.2, due - time.monotonic())))
            except InterruptedError:
                continue
            for one in (there, back):
                if one.source in ready:
                    one.take()
                one.give(time.monotonic())
    finally:
        subprocess.run([ip, "netns", "delete", name], check=False, stdin=subprocess.DEVNULL)
    print(json.dumps({which: {"carried": one.carried, "lost": one.lost, "overflown": one.overflown}
                      for which, one in (("to_server", there), ("to_client", back))}), flush=True)  # fmt: skip


@contextmanager
def air(way: Way, number: int, told: dict[str, object] | None = None) -> Iterator[Air]:
    """The link, up. `number` (0 to 63) keeps links of one moment apart. What it carried is put into `told` at its end."""
    need("ip")
    need_root()
    if not Path("/dev/net/tun").exists():
        pytest.skip("/dev/net/tun is missing: no packets can be carried by hand")
    name, net = f"mw{os.getpid() % 100000}x{number}", f"10.213.{number}"
    wanted = {"way": msgspec.to_builtins(way), "name": name, "near": f"{net}.1", "far": f"{net}.2", "parent": os.getpid()}
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.serve.air", json.dumps(wanted)],
        cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert child.stdout is not None
    try:
        if child.stdout.readline().strip() != "ready":
            child.kill()
            pytest.skip(f"no network namespace could be made: {child.communicate()[1][-400:]}")
        yield Air(f"{net}.1", (found("ip") or "ip", "netns", "exec", name))
    finally:
        child.terminate()
        out, _ = child.communicate(timeout=10)
        if told is not None and out.strip():
            told.update(json.loads(out.strip().splitlines()[-1]))


if __name__ == "__main__":
    main(sys.argv[1])
