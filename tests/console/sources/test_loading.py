"""Connectors that share a dependency, imported at the same moment by several threads."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import asyncio
from console.sources.loading import load, load_here

async def main():
    await asyncio.gather(
        load("elasticsearch", "aiohttp"),
        asyncio.to_thread(load_here, "requests", "prometheus_api_client"),
        asyncio.to_thread(load_here, "prometheus_api_client"),
        load("httpx"),
        load("kubernetes.aio.client.rest"),
    )
    print("loaded")

asyncio.run(main())
"""


def test_all_connectors_can_be_asked_for_at_the_same_moment() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.strip() == "loaded", done.stderr
