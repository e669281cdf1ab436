"""`midwatch probe --metrics HOST:PORT [--shard I/N]`: the site's channels, headless, for Prometheus to scrape."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Mapping
from hashlib import blake2b

from console.assembly import Engine
from console.commands.ending import Ending
from console.commands.flags import Flags, UsageError
from console.commands.opening import opened
from console.exit_codes import ExitCode
from console.exposing.port import Spoken, listening
from console.exposing.word import Word
from console.feeds.clock import SystemClock, wait_until
from console.feeds.streams import PROBER
from console.model.channel import Channel
from console.model.severity import State
from console.rows import streams


def exposed(flags: Flags, environ: Mapping[str, str], *, address: tuple[str, int], shard: tuple[int, int]) -> int:
    """Until SIGTERM or SIGINT. Raises UsageError."""
    found = opened(flags, environ)
    channels = found.site.channels
    if not (channels.files or channels.urls or channels.inline):
        raise UsageError(f"probe --metrics: the site lists no channels, see [sites.{found.site_name}.channels]")
    clock = SystemClock()
    spoken = Spoken(clock.now)
    try:
        with listening(spoken, *address) as port:
            print(f"midwatch: shard {shard[0]}/{shard[1]} on http://{address[0]}:{port}/metrics", file=sys.stderr)
            engine = Engine(
                found.site_name, found.site, found.config, clock, environ, keeps=lambda channel: is_mine(channel, shard)
            )
            return asyncio.run(_speaking(engine, spoken, shard))
    except OSError as wrong:
        raise UsageError(f"probe --metrics: cannot listen on {address[0]}:{address[1]}: {wrong.strerror or wrong}") from wrong


def is_mine(channel: Channel, shard: tuple[int, int]) -> bool:
    """By the name alone, so that every shard knows its own without asking the others."""
    return _bucket(int.from_bytes(blake2b(channel.name.encode(), digest_size=8).digest()), shard[1]) == shard[0] - 1


def _bucket(key: int, buckets: int) -> int:
    """Jump consistent hash (Lamping and Veach, 2014): of N + 1 shards the new one takes its part, and nothing else moves."""
    bucket, after = -1, 0
    while after < buckets:
        bucket = after
        key = (key * 2862933555777941757 + 1) % 2**64
        after = int((bucket + 1) * 2**31 / ((key >> 33) + 1))
    return bucket


async def _speaking(engine: Engine, spoken: Spoken, shard: tuple[int, int]) -> int:
    wake = asyncio.Event()
    ending = Ending(wake)
    seat = engine.desk.sit(streams.VIEW, wake)
    beats, beat = engine.hub.subscribe(PROBER, every=True), None
    try:
        while not ending.has_come:
            await wait_until(wake, engine.clock, engine.clock.now().mono + 1.0)
            wake.clear()
            reading = seat.reading
            if reading is None or reading.value is None or reading.state in (State.ERROR, State.STALE):
                continue  # the word grows old, and is not repeated
            told = [each.value.heartbeat for each in beats.take() if each.value is not None and each.value.heartbeat]
            beat = told[-1] if told else beat
            spoken.word = Word(
                shard=f"{shard[0]}/{shard[1]}",
                at=engine.clock.now(),
                channels=reading.value.channels,
                verdicts=reading.value.verdicts,
                heartbeat=beat,
            )
    finally:
        seat.close()
        beats.close()
        await engine.close()
    return ending.code if ending.number == signal.SIGINT else ExitCode.OK
