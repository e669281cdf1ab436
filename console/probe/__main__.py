"""`python -m console.probe SOCKET`: connects to the console's socket, follows its orders, ends when it
ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import resource
import signal
import sys
import traceback
from datetime import UTC, datetime

import msgspec

try:
    import uvloop
except ImportError:
    uvloop = None  # type: ignore[assignment]

from console.model.instant import Instant, reckoned
from console.model.orders import FRAME_HEAD, ProbeOrders, frame_length, framed
from console.probe.heartbeat import BEAT_S, Pulse
from console.probe.outbox import Outbox
from console.probe.prober import Prober

YOUNG = 10_000  # objects before the collector looks at them; a poll leaves few cycles, and modules none
FILES = 65_536
TICK_S = 0.1  # how often the outbox is emptied and the loop's own lateness measured


def new_loop() -> asyncio.AbstractEventLoop:
    """uvloop where there is one, since its sockets and timers cost half (docs/bench.md); nothing here depends on it."""
    return asyncio.new_event_loop() if uvloop is None else uvloop.new_event_loop()


class SystemClock:
    """The system's clocks. The event loop's own stands still while the machine sleeps: its timers are late by as much, and
    the next heartbeat tells so.
    """

    def now(self) -> Instant:
        return Instant(utc=datetime.now(UTC), mono=reckoned())

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


async def _listen(reader: asyncio.StreamReader, prober: Prober) -> None:
    """Orders, until the socket ends."""
    decoder = msgspec.msgpack.Decoder(ProbeOrders)
    while True:
        head = await reader.readexactly(FRAME_HEAD)
        prober.follow(decoder.decode(await reader.readexactly(frame_length(head))))


async def _tell(
    writer: asyncio.StreamWriter, prober: Prober, outbox: Outbox, pulse: Pulse, clock: SystemClock
) -> None:
    """A frame whenever there is something to tell, and a heartbeat a second; ends when our parent is gone."""
    encoder = msgspec.msgpack.Encoder()
    parent = os.getppid()
    beat_at = clock.now().mono
    while os.getppid() == parent:
        asked_at = clock.now().mono
        await asyncio.sleep(TICK_S)
        now = clock.now()
        pulse.overslept(now.mono - asked_at - TICK_S)
        if now.mono >= beat_at:
            outbox.beat(pulse.beat(now, prober.channels, prober.in_flight))
            beat_at = max(beat_at + BEAT_S, now.mono + BEAT_S / 2)
        while (batch := outbox.take()) is not None:
            if writer.is_closing():  # the console has ended between two of our frames; uvloop would raise a RuntimeError
                return
            writer.write(framed(encoder.encode(batch)))
            await writer.drain()


async def serve(path: str) -> None:
    """Until the socket ends, the parent is gone, or SIGTERM."""
    clock, outbox, pulse = SystemClock(), Outbox(), Pulse()
    reader, writer = await asyncio.open_unix_connection(path)
    prober = Prober(clock, outbox, pulse)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGINT, lambda: None)  # the console decides what Ctrl-C means
    tasks = [
        asyncio.create_task(_listen(reader, prober)),
        asyncio.create_task(_tell(writer, prober, outbox, pulse, clock)),
        asyncio.create_task(stop.wait()),
    ]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            error = task.exception()
            if error is not None and not isinstance(error, (asyncio.IncompleteReadError, ConnectionError)):
                raise error
    finally:
        for task in tasks:
            task.cancel()
        async with asyncio.timeout(2.0):
            await prober.close()
        writer.close()


def _raise_limit_of_files() -> None:
    """As many connections as the system lets us have: without a descriptor a healthy stream would be told as unreachable."""
    with contextlib.suppress(OSError, ValueError):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def main() -> None:
    """Ends by `_exit`: a name lookup that hangs in a thread must not keep a prober alive that nobody
    listens to.
    """
    if len(sys.argv) != 2:
        sys.exit("usage: python -m console.probe SOCKET")
    code = 0
    _raise_limit_of_files()
    gc.freeze()
    gc.set_threshold(YOUNG, 20, 20)
    try:
        new_loop().run_until_complete(serve(sys.argv[1]))
    except (TimeoutError, OSError) as error:
        print(f"prober: {type(error).__name__}: {error}", file=sys.stderr)
        code = 1
    except Exception:
        traceback.print_exc()
        code = 2
    with contextlib.suppress(OSError):  # a console that was killed could not tidy up; a living one does it, too
        os.unlink(sys.argv[1])
        os.rmdir(os.path.dirname(sys.argv[1]))
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
