"""A nursery of processes that act and are killed: `python -m tests.console.actions.victim`.

It reads one order a line from stdin and forks for each, so that a victim has everything imported already. The victim plans,
confirms and executes through the assembled service, with the machine's own clock, on a disk that ends it at the record that
the order names. How each ended is told on stdout.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import msgspec

from console.acting.arming import armed
from console.actions.audit.journal import Journal
from console.actions.refusal import Denied, Unable
from console.actions.target import Target
from console.assembly import Engine
from console.config.load import load
from console.feeds.clock import SystemClock
from tests.console.actions.cluster import ANNA, environment

NEVER = 1_000_000


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What to do, and when to die: `moment` of the record `number` (from 1), or never by itself."""

    place: str
    action: str
    target: str
    given: dict[str, str] = {}
    moment: str = ""  # before | torn | after
    number: int = NEVER


class Ended(msgspec.Struct, frozen=True):
    """`status`: as of waitpid."""

    place: str
    status: int


class DeadlyDisk:
    """The kernel's, until the record of the order. Every batch of this journal is one record: its writer is waited for."""

    def __init__(self, moment: str, number: int) -> None:
        self._moment = moment
        self._left = number

    def write(self, descriptor: int, data: bytes, /) -> int:
        self._left -= 1
        if self._left == 0 and self._moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        if self._left == 0 and self._moment == "torn":
            os.write(descriptor, data[: len(data) // 2])
            os.kill(os.getpid(), signal.SIGKILL)
        return os.write(descriptor, data)

    def sync(self, descriptor: int, /) -> None:
        os.fdatasync(descriptor)
        if self._left == 0 and self._moment == "after":
            os.kill(os.getpid(), signal.SIGKILL)


async def act(order: Order) -> None:
    place = Path(order.place)
    (place / "pid").write_text(str(os.getpid()))
    environ = environment(place)
    config = load(place / "config.toml", environ)
    clock = SystemClock()
    engine = Engine.open(config, None, clock, environ)
    service = armed(engine, config, environ, ANNA)

    async def journal() -> Journal:
        disk = DeadlyDisk(order.moment, order.number)
        return await Journal.open(place / "state" / "midwatch" / "audit", clock, ANNA, disk=disk)

    service._tools = msgspec.structs.replace(service._tools, journal=journal)
    try:
        plan = await service.plan(ANNA, order.action, Target.parse(order.target), order.given)
        await service.confirm(ANNA, plan.op, plan.hash, plan.to_type, "because")
        await service.run(ANNA, plan.op, plan.hash)
    finally:
        await service.close()
        await engine.close()


def bear(order: Order) -> None:
    """In the child: never returns."""
    code = 1
    try:
        asyncio.run(act(order))
        code = 0
    except (Denied, Unable) as refused:
        print(f"{order.place}: {refused}", file=sys.stderr, flush=True)
    finally:
        os._exit(code)


def main() -> None:
    places: dict[int, str] = {}
    print("{}", flush=True)  # everything is imported
    reader = os.fdopen(0, "rb", buffering=0)
    os.set_blocking(0, False)
    rest = b""
    is_open = True
    while is_open or places:
        chunk = reader.read(65536) if is_open else None
        if chunk == b"":
            is_open = False
        *lines, rest = (rest + (chunk or b"")).split(b"\n")
        for line in lines:
            order = msgspec.json.decode(line, type=Order)
            pid = os.fork()
            if pid == 0:
                bear(order)
            places[pid] = order.place
        if places:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid:
                print(msgspec.json.encode(Ended(places.pop(pid), status)).decode(), flush=True)
                continue
        signal.sigtimedwait((), 0.01)


if __name__ == "__main__":
    main()
