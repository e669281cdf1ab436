"""Every pack's formulas asked of a real Prometheus that scrapes what each exporter exposes.

Needs the program `prometheus` only (tests/lab/packages.txt), which is started here with a configuration of its own.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from console.feeds.clock import SystemClock
from console.model.failure import Failure
from console.sources.access import Access
from console.sources.meter import Meter
from console.sources.prometheus.client import PrometheusClient
from console.sources.prometheus.packs import PACKS
from console.sources.prometheus.signals import SignalBoard, Told
from tests.console.sources.prometheus import exporters
from tests.lab.test_far_probers import free_port, running

pytestmark = [
    pytest.mark.lab,
    pytest.mark.timeout(120),
    pytest.mark.skipif(shutil.which("prometheus") is None, reason="the program `prometheus` is missing (apt-get install prometheus)"),
]
EXPOSED: dict[str, Callable[..., str]] = {
    "mediamtx": lambda n: exporters.mediamtx(n, new=True, old=True, lost=30, dropped=6, conn=f"c{int(n // 2)}"),
    "rfratto": exporters.rfratto, "kaylendog": exporters.kaylendog, "mauricioabreu": exporters.mauricioabreu, "srs": exporters.srs,
    "oven": exporters.oven, "flussonic": exporters.flussonic, "dcgm": exporters.dcgm, "vts": exporters.nginx_vts,
}  # fmt: skip


async def test_each_pack_is_recognised_and_each_of_its_formulas_is_answered(tmp_path: Path) -> None:
    began = time.time()
    scraped_again = asyncio.Event()

    async def metrics(request: web.Request) -> web.Response:
        scraped_again.set()
        expose = EXPOSED[request.match_info["name"]]
        lines = [line.strip() for line in expose((time.time() - began) / exporters.EVERY_S).splitlines()]
        return web.Response(text="\n".join(filter(None, lines)) + "\n")

    app = web.Application()
    app.router.add_get("/{name}", metrics)
    async with AsyncExitStack() as stack:
        server = TestServer(app, host="127.0.0.1")
        await server.start_server()
        stack.push_async_callback(server.close)
        port = free_port()
        scraped = [
            {"job_name": name, "metrics_path": f"/{name}", "static_configs": [{"targets": [f"127.0.0.1:{server.port}"]}]} for name in EXPOSED
        ]
        config = tmp_path / "prometheus.yml"
        config.write_text(json.dumps({"global": {"scrape_interval": "1s", "scrape_timeout": "1s"}, "scrape_configs": scraped}))
        await stack.enter_async_context(
            running(
                *("prometheus", f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"),
                *(f"--config.file={config}", f"--storage.tsdb.path={tmp_path / 'data'}"),
                log=tmp_path / "prometheus.log",
            )
        )
        clock = SystemClock()
        client = PrometheusClient(Access(urls=(f"http://127.0.0.1:{port}",)), clock, Meter(clock), align_s=1.0)
        stack.push_async_callback(client.close)
        try:
            async with asyncio.timeout(60):
                while not is_whole(told := await SignalBoard(client, clock).ask()):
                    scraped_again.clear()
                    await scraped_again.wait()  # before that it knows nothing new
        except TimeoutError:
            pytest.fail(f"not whole: {told.missing} {list(told.formulas)} {told.streams}")
        assert not [why for why in told.missing.values() if isinstance(why, Failure)]
        values = {(one.pack, signal): value for one in told.streams for signal, value in one.values.items()}
        for pack in ("mediamtx", "nginx-rtmp (kaylendog)", "nginx-rtmp (mauricioabreu)", "ovenmediaengine", "flussonic"):
            assert values[pack, "ingest_bps"] == pytest.approx(6e6, rel=0.1), pack
        assert values["mediamtx", "reconnects"] >= 1
        assert values["mediamtx", "drop_ratio"] == pytest.approx(6 / 3006, rel=0.2)
        assert values["mediamtx", "latency_budget"] == pytest.approx(5.0)
        assert values["nginx-vts", "hit_ratio"] == pytest.approx(0.97, abs=0.01)
        assert values["dcgm", "encoder_use"] == 0.91
        assert "whole process" in str(told.missing["srs"])


def is_whole(told: Told) -> bool:
    """Each pack there, and each of its formulas answered with a number (or with a word)."""
    numbers = {f"{one.pack} {signal}" for one in told.streams for signal in one.values}
    numbers |= {f"{one.pack} protocol" for one in told.streams if one.protocol is not None}
    return all(f"{pack.name} {formula.signal}" in numbers for pack in PACKS for formula in pack.formulas)
