"""Connectors cost 100-300 ms each: importing a source brings none in, and loading one does not stop the loop."""

from __future__ import annotations

import json
import pkgutil
import subprocess
import sys
from pathlib import Path

import console.sources

ROOT = Path(console.sources.__file__).parents[2]
HEAVY = {"httpx", "requests", "urllib3", "prometheus_api_client", "elasticsearch", "elastic_transport", "aiohttp"}
SHARED = ("access", "backoff", "body", "breaker", "http", "meter", "polling", "sanitise", "status")


def ours() -> list[str]:
    rooms = [
        module.name
        for room in ("prometheus", "alertmanager", "elasticsearch")
        for module in pkgutil.walk_packages([str(ROOT / "console/sources" / room)], f"console.sources.{room}.")
    ]
    return [*(f"console.sources.{name}" for name in SHARED), *rooms]


def test_importing_the_sources_imports_no_connector() -> None:
    modules = ours()
    assert "console.sources.elasticsearch.tail" in modules
    code = "\n".join(f"import {name}" for name in modules)
    told = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport json, sys; print(json.dumps(list(sys.modules)))"],
        capture_output=True, text=True, cwd=ROOT, timeout=60, check=True,
    )  # fmt: skip
    assert not HEAVY & set(json.loads(told.stdout))


def test_the_loop_goes_on_while_a_connector_is_loaded() -> None:
    code = """
import asyncio, sys, time
from console.sources.loading import load


async def ticks(count):
    while True:
        count.append(time.monotonic())
        await asyncio.sleep(0.005)

async def main():
    count = []
    ticking = asyncio.create_task(ticks(count))
    await asyncio.sleep(0.02)
    before = len(count)
    await load("httpx")
    await load("elasticsearch")
    ticking.cancel()
    assert "httpx" in sys.modules and "elasticsearch" in sys.modules
    print(len(count) - before)

asyncio.run(main())
"""
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=60, check=True
    )
    assert int(told.stdout) >= 5
