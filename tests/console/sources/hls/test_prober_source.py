"""A real prober process against a real (small) HLS server on loopback."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest

from console.judge.stream import ChannelMemory, step
from console.model.channel import Channel
from console.model.finding import ChannelVerdict
from console.model.observation import Observation, Outcome, ProbeBatch
from console.model.reading import Reading
from console.model.severity import Layer, Severity, State
from console.sources.hls.prober import ProberSource
from tests.console.sources.hls.station import Clock, Station, T

PATIENCE_S = 25.0


class Watch:
    """The source under a judge, as a derived feed would have it; `verdicts` keeps every one of each
    channel.
    """

    def __init__(self, source: ProberSource, channels: Sequence[Channel]) -> None:
        self.source = source
        self.readings: list[Reading[ProbeBatch]] = []
        self.verdicts: dict[str, list[ChannelVerdict]] = {channel.name: [] for channel in channels}
        self._memories = {
            channel.name: ChannelMemory.starting(channel, Clock().now()) for channel in channels
        }
        self._changed = asyncio.Event()

    async def run(self) -> None:
        async with aclosing(self.source.readings()) as readings:
            waiting = asyncio.ensure_future(anext(readings))
            try:
                while True:
                    await asyncio.wait({waiting}, timeout=0.1)
                    if waiting.done():
                        reading = waiting.result()
                        self.readings.append(reading)
                        waiting = asyncio.ensure_future(anext(readings))
                        self._step(reading.value if reading.state is State.LIVE else None)
                    else:
                        self._step(None)
                    self._changed.set()
            finally:
                waiting.cancel()
                await asyncio.gather(waiting, return_exceptions=True)

    def _step(self, batch: ProbeBatch | None) -> None:
        batch = batch or ProbeBatch()
        for name, memory in self._memories.items():
            taken = step(memory, batch.observations, batch.heartbeat, Clock().now())
            self._memories[name] = taken.memory
            self.verdicts[name].append(taken.verdict)

    @property
    def seen(self) -> list[Observation]:
        return [one for reading in self.readings if reading.value for one in reading.value.observations]

    def of(self, channel: str = "one") -> ChannelVerdict:
        verdicts = self.verdicts[channel]
        return verdicts[-1] if verdicts else ChannelVerdict(channel, Severity.UNKNOWN)

    async def until(self, holds: Callable[[], bool], what: str) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not holds():
                self._changed.clear()
                try:
                    await self._changed.wait()
                except asyncio.CancelledError:
                    print(f"waited in vain until {what}: {[self.of(name) for name in self.verdicts]}")
                    raise

    async def settled(self) -> None:
        await self.until(lambda: all(self.of(c).severity is Severity.OK for c in self.verdicts), "all is OK")

    def codes(self, channel: str = "one") -> set[str]:
        return {finding.code for verdict in self.verdicts[channel] for finding in verdict.findings}


@asynccontextmanager
async def watching(*channels: Channel) -> AsyncIterator[Watch]:
    watch = Watch(ProberSource("hls.prober", channels, Clock()), channels)
    running = asyncio.create_task(watch.run())
    try:
        yield watch
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def left_behind(folder: Path) -> list[Path]:
    return list(folder.glob("midwatch-probe-*"))


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_faults_of_four_channels_are_found_in_time_where_they_are_and_a_healthy_fifth_is_left_alone():
    async with Station() as station:
        names = ("frozen", "hanging", "html", "gone", "healthy")
        async with watching(*(station.channel(name, edges=("lhr", "syd")) for name in names)) as watch:
            await watch.settled()
            broke = time.monotonic()
            station.frozen[("edge-lhr", "frozen", "720p")] = time.time()
            station.hanging.add(("edge-lhr", "hanging"))
            for host in ("edge-lhr", "edge-syd"):
                page = (200, b"<html>\x1b]52;c;eA==\x07 oops</html>", {})
                station.bodies[f"{host}/html/360p/index.m3u8"] = page
            for second in range(60):
                station.bodies[f"/gone/720p/seg-{int(time.time()) - 10 + second}.ts"] = (404, b"", {})

            await watch.until(lambda: bool(watch.of("frozen").findings), "the frozen playlist is found")
            took = time.monotonic() - broke
            await watch.until(lambda: "SEG_404" in watch.codes("gone"), "the missing segments are found")
            await watch.until(lambda: watch.of("html").severity is Severity.CRIT, "the error page is found")
            await watch.until(lambda: "TIMEOUT" in watch.codes("hanging"), "the hanging edge is found")

            def is_one_finding() -> bool:
                return any(f.code == "TIMEOUT" and f.rendition is None for f in watch.of("hanging").findings)

            await watch.until(is_one_finding, "one finding stands for everything of the hanging edge")

            (stale,) = watch.of("frozen").findings
            assert (stale.code, stale.rendition, stale.layer, stale.vantage) == (
                "STALE",
                "720p",
                Layer.EDGE,
                "edge-lhr",
            )
            assert (
                took < 1.5 * T + 3 * T + 1
            )  # the threshold and three periods, and a second for a busy machine
            assert all(
                v.findings[0].severity is Severity.WARN for v in watch.verdicts["frozen"] if v.findings
            )
            (page_finding,) = watch.of("html").findings
            assert (page_finding.code, page_finding.layer, page_finding.rendition) == (
                "NOT_PLAYLIST",
                Layer.EDGE,
                "360p",
            )
            assert "<html>" in page_finding.reason and "\x1b" not in page_finding.reason
            assert {f.layer for v in watch.verdicts["gone"] for f in v.findings} == {Layer.ORIGIN}
            assert {f.vantage for v in watch.verdicts["hanging"] for f in v.findings} == {"edge-lhr"}
            assert watch.codes("healthy") == set()
            beats = [r.value.heartbeat for r in watch.readings if r.value and r.value.heartbeat]
            assert max(beat.poll_lag_s for beat in beats) < 1.0

            del station.frozen[("edge-lhr", "frozen", "720p")]
            await watch.until(
                lambda: watch.of("frozen").severity is Severity.OK, "the thawed channel is well again"
            )


async def test_a_killed_prober_is_told_and_started_again_and_no_stream_is_blamed():
    async with Station() as station, watching(station.channel()) as watch:
        await watch.settled()
        first = watch.source.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        await watch.until(lambda: any(r.state is State.ERROR for r in watch.readings), "an error reading")
        error = next(r.error for r in watch.readings if r.state is State.ERROR)
        assert error is not None and "signal 9" in error.got
        await watch.until(lambda: watch.source.pid not in (None, first), "another prober")
        await watch.settled()
        assert "STALE" not in watch.codes()
        assert "1 restart" in watch.source.note


async def test_a_stopped_prober_is_unknown_by_the_probe_and_never_a_stale_stream():
    async with Station() as station, watching(station.channel()) as watch:
        await watch.settled()
        pid = watch.source.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        try:
            await watch.until(lambda: watch.of().severity is Severity.UNKNOWN, "UNKNOWN")
            assert watch.of().reason.startswith("probe: ")
            await watch.until(lambda: any(r.state is State.STALE for r in watch.readings), "a stale reading")
        finally:
            os.kill(pid, signal.SIGCONT)
        await watch.settled()
        assert watch.codes() == set()


async def test_closing_leaves_no_process_no_socket_and_no_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    async with Station() as station:
        async with watching(station.channel()) as watch:
            await watch.until(lambda: bool(watch.readings), "a reading")
            pid = watch.source.pid
            assert pid is not None
            (directory,) = left_behind(tmp_path)
            assert directory.stat().st_mode & 0o777 == 0o700
        assert not is_alive(pid)
        assert left_behind(tmp_path) == []


async def test_closing_ends_even_a_stopped_prober():
    async with Station() as station, watching(station.channel()) as watch:
        await watch.until(lambda: bool(watch.readings), "a reading")
        pid = watch.source.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
    assert not is_alive(pid)


async def test_the_host_header_is_the_urls_and_the_token_is_sent_but_never_told():
    async with Station() as station:
        channel = station.channel(
            edges=(), token_command=("printf", "sig=s3cret"), headers={"X-Probe": "yes"}
        )
        async with watching(channel) as watch:
            await watch.until(
                lambda: any("/720p/" in one.url for one in watch.seen),
                "a media playlist",
            )
            assert all("sig=s3cret" in path for _, _, path in station.asked)
            assert {host for _, host, _ in station.asked} == {"origin.midwatch.test"}
            assert all(headers["X-Probe"] == "yes" for headers in station.headers)
            assert "s3cret" not in repr(watch.readings)


async def test_a_redirect_to_the_metadata_service_is_refused():
    async with Station() as station:
        station.bodies["/one/master.m3u8"] = (
            302,
            b"",
            {"Location": "http://169.254.169.254/latest/meta-data"},
        )
        async with watching(station.channel(edges=())) as watch:
            await watch.until(lambda: bool(watch.seen), "an observation")
            assert watch.seen[0].outcome is Outcome.REFUSED_REDIRECT


async def test_a_new_channel_list_reaches_the_running_prober():
    async with Station() as station, watching(station.channel(edges=())) as watch:
        await watch.until(lambda: bool(watch.seen), "an observation")
        pid = watch.source.pid
        await watch.source.watch([station.channel("two", edges=())])
        await watch.until(
            lambda: any(one.channel == "two" for one in watch.seen), "the other channel is seen"
        )
        assert watch.source.pid == pid


async def test_a_prober_ends_with_its_console_and_tidies_up_after_one_that_was_killed(tmp_path: Path):
    program = (
        "import asyncio, tempfile\n"
        f"tempfile.tempdir = {str(tmp_path)!r}\n"
        "from console.model.orders import ProbeOrders\n"
        "from console.sources.hls.process import ProberProcess\n"
        "async def main():\n"
        "    async with ProberProcess(ProbeOrders(())) as prober:\n"
        "        await prober.hear()\n"
        "        print(prober.pid, flush=True)\n"
        "        await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    console = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[4]
    )
    assert console.stdout is not None
    async with asyncio.timeout(PATIENCE_S):
        prober = int(await console.stdout.readline())
        assert left_behind(tmp_path) != []
        console.kill()
        await console.wait()
        while is_alive(prober) or left_behind(tmp_path):  # noqa: ASYNC110 (another process cannot set an event)
            await asyncio.sleep(0.02)
