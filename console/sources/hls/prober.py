"""The prober as a source of readings: batches, at most ten a second, and an honest word when they stop."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncGenerator, Callable, Sequence
from datetime import timedelta

import msgspec

from console.model.channel import Channel
from console.model.failure import Failure, FailureKind
from console.model.instant import Clock, Instant
from console.model.observation import Heartbeat, Outcome, ProbeBatch
from console.model.orders import ProbeOrders
from console.model.reading import Reading
from console.model.severity import State
from console.model.source import Cost
from console.sources.backoff import Backoff
from console.sources.hls.coalesce import Gathered
from console.sources.hls.process import ProberGone, ProberProcess
from console.sources.meter import Meter

LEAST_PAUSE_S = 0.1  # at most ten readings a second
SILENT_S = 3.0
CLOCKS_DIFFER_S = 1.0  # the prober's UTC and ours, of one moment: more is a clock that was set
FIRST_BEAT_S = 15.0  # a starting prober is not yet silent


def on_our_clock(batch: ProbeBatch, now: Instant) -> ProbeBatch:
    """The same, its UTC ours: the prober's follows the system at once when that is set, ours when the servers agree."""
    offset = now.utc.timestamp() - now.mono

    def ours(at: Instant) -> Instant:
        off_s = at.utc.timestamp() - at.mono - offset
        return Instant(utc=at.utc - timedelta(seconds=off_s), mono=at.mono) if abs(off_s) > CLOCKS_DIFFER_S else at

    beat = batch.heartbeat
    first = beat.at if beat is not None else batch.observations[0].at if batch.observations else None
    if first is None or ours(first) is first:
        return batch
    return ProbeBatch(
        observations=tuple(msgspec.structs.replace(seen, at=ours(seen.at)) for seen in batch.observations),
        heartbeat=msgspec.structs.replace(beat, at=ours(beat.at)) if beat is not None else None,
    )


class ProberSource:
    """Implements `model.source.Source[ProbeBatch]`. One consumer at a time.

    Every reading's value holds what is new since the reading before; a consumer must take each (a conflated
    one is lost). A reading with `state` stale or error holds no observations, only the last heartbeat:
    nothing is said twice.
    """

    def __init__(
        self,
        name: str,
        channels: Sequence[Channel] | Callable[[], Sequence[Channel]],
        clock: Clock,
        period_s: float | None = None,
        segments: str = "newest",
        budget_Bps: float = 4_000_000.0,
        rng: random.Random | None = None,
    ) -> None:
        self._name = name
        self._listed = channels if callable(channels) else None
        present = tuple(channels() if callable(channels) else channels)
        self._orders = ProbeOrders(
            channels=present,
            period_s=period_s,
            segments=segments != "none",
            segment_policy=segments,
            segment_budget_Bps=budget_Bps,
        )
        self._clock = clock
        self._meter = Meter(clock)
        self._backoff = Backoff(base_s=0.5, ceiling_s=15.0, rng=rng)
        self._process: ProberProcess | None = None
        self._starts = 0
        self._gathered = Gathered()
        self._arrived = asyncio.Event()
        self._heartbeat: Heartbeat | None = None
        self._started_mono = 0.0
        self._gone: str | None = None
        self._is_told_silent = False

    @property
    def name(self) -> str:
        return self._name

    @property
    def kind(self) -> str:
        return "hls"

    @property
    def stale_after_s(self) -> float:
        """Heartbeats come once a second."""
        return SILENT_S

    @property
    def cost(self) -> Cost:
        """What the prober asked of the vantages."""
        return self._meter.cost

    @property
    def note(self) -> str:
        """For the `sources` view."""
        beat = self._heartbeat
        parts = [f"{len(self._orders.channels)} channels"]
        if beat is not None:
            parts.append(f"{beat.polls} polls/s, lag {beat.poll_lag_s * 1000:.0f} ms")
        if self._starts > 1:
            parts.append(f"{self._starts - 1} restarts")
        if self._gathered.merged:
            parts.append(f"{self._gathered.merged} observations merged")
        return ", ".join(parts)

    @property
    def pid(self) -> int | None:
        """Of the running prober, None while there is none."""
        return self._process.pid if self._process is not None else None

    async def watch(self, channels: Sequence[Channel]) -> None:
        """A new channel list, for the running prober and every later one."""
        self._orders = msgspec.structs.replace(self._orders, channels=tuple(channels))
        if self._process is not None:
            with contextlib.suppress(
                ProberGone
            ):  # `readings` notices by itself and starts the next with these orders
                await self._process.tell(self._orders)

    async def readings(self) -> AsyncGenerator[Reading[ProbeBatch], None]:
        """Batches for ever; closing or cancelling ends the prober."""
        keeper = asyncio.create_task(self._keep_alive())
        try:
            while True:
                await self._wait()
                await self._look_at_list()
                reading = self._reading()
                if reading is not None:
                    yield reading
                    await self._clock.sleep(LEAST_PAUSE_S)
                if keeper.done():
                    keeper.result()  # a fault of ours, not of the prober: told, not hidden
        finally:
            keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await keeper

    async def _look_at_list(self) -> None:
        if self._listed is not None:
            listed = tuple(self._listed())
            if listed != self._orders.channels:
                await self.watch(listed)

    async def _wait(self) -> None:
        """Until something arrives, or for the half second after which silence is looked at."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                await self._arrived.wait()
        self._arrived.clear()

    def _reading(self) -> Reading[ProbeBatch] | None:
        now = self._clock.now()
        if not self._gathered.is_empty:
            self._is_told_silent = False
            batch = self._gathered.take()
            return Reading(value=batch, state=State.LIVE, received=now, as_of=now.utc)
        said = ProbeBatch(heartbeat=self._heartbeat) if self._heartbeat is not None else None
        if self._gone is not None:
            why, self._gone = self._gone, None
            failure = Failure(
                FailureKind.UNREACHABLE, "probe the channels", "prober", why, "it is started again"
            )
            return Reading(value=said, state=State.ERROR, error=failure)
        last = self._heartbeat.at.mono if self._heartbeat is not None else self._started_mono
        limit_s = SILENT_S if self._heartbeat is not None else FIRST_BEAT_S
        silent_s = now.mono - max(last, self._started_mono)
        if self._process is not None and silent_s > limit_s and not self._is_told_silent:
            self._is_told_silent = True
            failure = Failure(
                FailureKind.TIMEOUT,
                "hear the prober's heartbeat",
                f"prober (pid {self.pid})",
                f"nothing for {silent_s:.1f} s",
                "is it stopped, or the machine starved?",
            )
            return Reading(value=said, state=State.STALE, error=failure)
        return None

    async def _keep_alive(self) -> None:
        """A prober, and after its end the next one."""
        while True:
            self._started_mono = self._clock.now().mono
            try:
                begun_with = self._orders
                async with ProberProcess(begun_with) as self._process:
                    self._starts += 1
                    if self._orders != begun_with:  # the list came while the process was starting
                        await self._process.tell(self._orders)
                    while True:
                        self._take(await self._process.hear())
            except (ProberGone, OSError) as error:
                self._gone = str(error)
            finally:
                self._process = None
            self._arrived.set()
            await self._clock.sleep(self._backoff.next_s())

    def _take(self, batch: ProbeBatch) -> None:
        batch = on_our_clock(batch, self._clock.now())
        for seen in batch.observations:
            self._meter.asked(0, failed=seen.outcome is not Outcome.OK)
        if batch.heartbeat is not None:
            self._heartbeat = batch.heartbeat
            self._backoff.reset()
            if batch.heartbeat.bytes_in:
                self._meter.received(batch.heartbeat.bytes_in)
        self._gathered.add(batch)
        self._arrived.set()
