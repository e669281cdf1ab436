"""Two shards of `midwatch probe --metrics`, scraped by a real Prometheus, and a console that has asked no playlist itself.

Needs the program `prometheus` only (tests/lab/packages.txt), which is started here with a configuration of its own.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from console.commands.exposing import is_mine
from console.model.channel import Channel
from tests.console.sources.hls.station import Station

pytestmark = [
    pytest.mark.lab,
    pytest.mark.timeout(240),
    pytest.mark.skipif(shutil.which("prometheus") is None, reason="the program `prometheus` is missing (apt-get install prometheus)"),
]
SHARDS = 2
NAMES = ("sport", "news", "music", "cine")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def running(*words: str, log: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    with log.open("wb") as out:
        process = await asyncio.create_subprocess_exec(*words, stdout=out, stderr=out)
        try:
            yield process
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


async def snapshot(config: Path) -> dict[str, Any]:
    words = ("-m", "console", "--config", str(config), "snapshot", "streams", "--format", "json", "--wait", "6s")
    process = await asyncio.create_subprocess_exec(sys.executable, *words, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    rows = json.loads(out)["panes"][0]["rows"]
    return {row["name"]: row for row in rows}


async def until(config: Path, holds: Callable[[dict[str, Any]], bool], within_s: float) -> dict[str, Any]:
    deadline = time.monotonic() + within_s
    while True:
        rows = await snapshot(config)
        if holds(rows):
            return rows
        assert time.monotonic() < deadline, rows


async def test_what_shards_find_is_read_back_and_a_shard_that_dies_leaves_no_green_channel(tmp_path: Path):
    async with AsyncExitStack() as stack:
        station = await stack.enter_async_context(Station())
        channels = [station.channel(name) for name in NAMES]
        shard_of = {c.name: next(n for n in range(1, SHARDS + 1) if is_mine(c, (n, SHARDS))) for c in channels}
        assert set(shard_of.values()) == {1, 2}, "names that fall into both shards are needed"
        sick = next(name for name in NAMES if shard_of[name] == 1)
        station.frozen["origin", sick, "360p"] = time.time() - 2
        ports, prometheus = [free_port() for _ in range(SHARDS)], free_port()
        listed = written(tmp_path, channels, prometheus, ports)
        probers = [
            await stack.enter_async_context(
                running(
                    *(sys.executable, "-m", "console", "--config", str(listed["prober"]), "probe"),
                    *("--metrics", f"127.0.0.1:{port}", "--shard", f"{number}/{SHARDS}"),
                    log=tmp_path / f"prober-{number}.log",
                )
            )
            for number, port in enumerate(ports, start=1)
        ]
        await stack.enter_async_context(
            running(
                *("prometheus", f"--web.listen-address=127.0.0.1:{prometheus}", "--log.level=warn"),
                f"--config.file={listed['prometheus']}",
                f"--storage.tsdb.path={tmp_path / 'data'}",
                log=tmp_path / "prometheus.log",
            )
        )
        console = listed["console"]
        rows = await until(console, lambda rows: rows.get(sick, {}).get("codes") == ["STALE"], within_s=60)
        assert rows[sick]["layer"] == "transcode" and rows[sick]["severity"] in ("WARN", "CRIT")
        assert "360p stale" in rows[sick]["reason"]
        rows = await until(
            console, lambda rows: all(rows[n]["severity"] == "OK" for n in NAMES if n != sick), within_s=30
        )
        assert set(rows) == set(NAMES)

        probers[0].kill()
        mine = [name for name in NAMES if shard_of[name] == 1]
        rows = await until(
            console, lambda rows: all(rows[n]["severity"] == "UNKNOWN" for n in mine), within_s=30
        )  # a scrape that fails ends its series at once; only a store that died itself goes on showing them
        assert all(rows[name]["reason"].startswith("source: ") for name in mine)
        assert all(rows[name]["severity"] == "OK" for name in NAMES if name not in mine)


def written(folder: Path, channels: list[Channel], prometheus: int, probers: list[int]) -> dict[str, Path]:
    """The three configurations, by who reads them."""
    (folder / "channels.json").write_bytes(msgspec.json.encode(channels))
    listed = f'[sites.s.channels]\nfiles = ["{folder / "channels.json"}"]\n'
    texts = {
        "prober": listed,
        "console": f'{listed}[sites.s.prometheus]\nurl = "http://127.0.0.1:{prometheus}"\n[sites.s.probe]\nverdicts = "metrics"\n',
        "prometheus": json.dumps(
            {
                "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
                "scrape_configs": [
                    {"job_name": "probe", "static_configs": [{"targets": [f"127.0.0.1:{port}" for port in probers]}]}
                ],
            }
        ),
    }
    paths = {name: folder / f"{name}.{'yml' if name == 'prometheus' else 'toml'}" for name in texts}
    for name, text in texts.items():
        paths[name].write_text(text)
    return paths
