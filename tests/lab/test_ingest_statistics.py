"""A real nginx-rtmp asked for its page while a real ffmpeg publishes, dies, comes back again and again, and stays away.

Needs nginx with its RTMP module and ffmpeg (tests/lab/packages.txt), which are started here with a configuration of their own.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from console.feeds.clock import SystemClock
from console.feeds.signals import SignalDesk
from console.model.channel import Channel, Vantage
from console.model.finding import ChannelVerdict
from console.model.metric import ChannelMetrics
from console.model.reading import Reading
from console.model.severity import Layer, Severity, State
from console.sources.access import Access
from console.sources.meter import Meter
from console.sources.nginx_rtmp.source import rtmp_source
from tests.lab.test_far_probers import free_port

MODULE = Path("/usr/lib/nginx/modules/ngx_rtmp_module.so")
pytestmark = [
    pytest.mark.lab,
    pytest.mark.timeout(180),
    pytest.mark.skipif(
        not MODULE.exists() or shutil.which("nginx") is None or shutil.which("ffmpeg") is None,
        reason="nginx with its RTMP module, or ffmpeg, is missing (tests/lab/packages.txt)",
    ),
]
PERIOD_S = 1.0


@asynccontextmanager
async def running(*words: str, log: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    with log.open("wb") as out:
        process = await asyncio.create_subprocess_exec(*words, stdin=asyncio.subprocess.DEVNULL, stdout=out, stderr=out)
        try:
            yield process
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


def conf(folder: Path, rtmp: int, http: int) -> Path:
    path = folder / "nginx.conf"
    temporary = " ".join(
        f'{kind}_temp_path "{folder}/{kind}";' for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    path.write_text(
        f'load_module {MODULE}; daemon off; worker_processes 1; pid "{folder}/nginx.pid"; error_log "{folder}/nginx.log" warn;\n'
        + ("user root;\n" if os.getuid() == 0 else "")
        + "events { worker_connections 64; }\n"
        + f"rtmp {{ server {{ listen 127.0.0.1:{rtmp}; application live {{ live on; }} }} }}\n"
        + f"http {{ access_log off; {temporary} server {{ listen 127.0.0.1:{http}; location /stat {{ rtmp_stat all; }} }} }}\n"
    )
    return path


def publisher(port: int, log: Path):
    source = "testsrc=size=192x108:rate=25"
    codec = ("-c:v", "libx264", "-preset", "ultrafast", "-b:v", "300k", "-g", "50", "-threads", "1", "-f", "flv")
    words = ("ffmpeg", "-hide_banner", "-loglevel", "warning", "-nostdin", "-re", "-f", "lavfi", "-i", source)
    return running(*words, *codec, f"rtmp://127.0.0.1:{port}/live/uk-sport-1", log=log)


class Watching:
    """The source and the desk, as the console runs them."""

    def __init__(self, url: str) -> None:
        self.clock = SystemClock()
        self.readings = rtmp_source("ingest.lab", "lab", Access(urls=(url,)), self.clock, Meter(self.clock), PERIOD_S).readings()
        vantage = Vantage("origin", Layer.ORIGIN, "http://127.0.0.1:9/x.m3u8")
        self.channels = {"uk-sport-1": Channel("uk-sport-1", (vantage,))}
        self.verdicts: Mapping[str, ChannelVerdict] = {"uk-sport-1": ChannelVerdict("uk-sport-1", Severity.OK)}
        self.desk = SignalDesk()
        self.last: Reading | None = None

    async def until(self, holds: Callable[[ChannelMetrics, ChannelVerdict], bool], within_s: float) -> ChannelVerdict:
        deadline = time.monotonic() + within_s
        while True:
            self.last = await anext(self.readings)
            self.desk.step(self.channels, self.verdicts, None, (self.last,), self.clock.now())
            metrics = self.desk.metrics.get("uk-sport-1", ChannelMetrics())
            verdict = self.desk.merged(self.verdicts)["uk-sport-1"]
            if holds(metrics, verdict):
                return verdict
            assert time.monotonic() < deadline, (self.last, metrics, verdict)


async def test_rate_frame_rate_and_returns_are_those_of_the_encoder(tmp_path: Path) -> None:
    rtmp, http = free_port(), free_port()
    async with AsyncExitStack() as stack:
        words = ("nginx", "-e", str(tmp_path / "start.log"), "-c", str(conf(tmp_path, rtmp, http)))
        await stack.enter_async_context(running(*words, log=tmp_path / "nginx.out"))
        seen = Watching(f"http://127.0.0.1:{http}/stat")
        await seen.until(lambda *_: seen.last is not None and seen.last.state is State.LIVE, 15)

        async with publisher(rtmp, tmp_path / "ffmpeg-0.log"):
            await seen.until(lambda metrics, _: metrics.ingest_bps is not None and metrics.ingest_bps > 50_000, 20)
            await seen.until(lambda metrics, _: metrics.signals.fps_declared == 25, 10)
            signals = seen.desk.metrics["uk-sport-1"].signals
            assert (signals.publishers, signals.reconnects, signals.node, signals.protocol) == (1, 0, "lab", "rtmp")
            began = time.monotonic()
            verdict = await seen.until(lambda *_: time.monotonic() - began > 65, 80)
            assert verdict.findings == (), "a healthy contribution is not accused"
        for number in range(2):
            await seen.until(lambda metrics, _: metrics.signals.publishers == 0, 15)
            async with publisher(rtmp, tmp_path / f"ffmpeg-{number + 1}.log"):
                await seen.until(lambda metrics, _: metrics.signals.publishers == 1, 20)
        verdict = await seen.until(lambda _, verdict: "INGEST_RECONNECTS" in {one.code for one in verdict.findings}, 10)
        assert verdict.severity.rank >= Severity.WARN.rank and seen.desk.metrics["uk-sport-1"].signals.reconnects == 2
        verdict = await seen.until(lambda _, verdict: "INGEST_LOW" in {one.code for one in verdict.findings}, 30)
        assert verdict.severity is Severity.CRIT and "nobody publishes" in verdict.reason
        assert verdict.findings[0].evidence["told_by"] == "nginx-rtmp"
    await seen.readings.aclose()
