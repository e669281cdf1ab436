"""First paint comes before the first connector: an engineer at 03:00 must not wait for an import, nor for a dead backend."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import console

ROOT = Path(console.__file__).parents[1]
CONNECTORS = ("kubernetes", "aiohttp", "httpx", "elasticsearch", "prometheus_api_client", "requests", "asyncssh")

CONFIG = """
default_site = "night"
[sites.night.prometheus]
url = "http://127.0.0.1:{port}"
[sites.night.alertmanager]
urls = ["http://127.0.0.1:{port}"]
[sites.night.elasticsearch]
url = "http://127.0.0.1:{port}"
index = "logs-video-*"
[sites.night.kubernetes.night-1]
url = "http://127.0.0.1:{port}"
[sites.night.channels]
urls = ["http://127.0.0.1:{port}/channels.json"]
[[sites.night.gauges]]
name = "egress lhr"
used = "used"
total = "total"
unit = "bit/s"
"""

PROGRAM = """
import asyncio, json, sys, time
from pathlib import Path

CONNECTORS = {connectors!r}

async def main():
    from console.app.app import MidwatchApp
    from console.app.pivots import Place
    from console.app.screen import ConsoleScreen
    from console.assembly import Engine
    from console.config.load import load
    from console.feeds.clock import SystemClock
    from console.model.scope import Scope

    engine = Engine.open(load(Path(sys.argv[1]), {{}}), None, SystemClock())
    engine.hub.hold()
    told = {{}}

    def started():
        told["at_first_paint"] = sorted(set(CONNECTORS) & set(sys.modules))
        told["screen"] = [strip.text.rstrip() for strip in app.screen._compositor.render_strips()]
        engine.hub.open()

    screen = ConsoleScreen(engine.desk, engine.name, is_prod=False, who="mei@bastion", place=Place("overview", Scope()))
    app = MidwatchApp(screen, started=started)
    async with app.run_test(size=(120, 36)) as pilot:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            await pilot.pause(0.05)
            screen = [strip.text.rstrip() for strip in app.screen._compositor.render_strips()]
            if sum("refused" in line or "nreachable" in line for line in screen) >= {failing}:
                break
        told["later"] = screen
        told["after"] = sorted(set(CONNECTORS) & set(sys.modules))
    await engine.close()
    told["tasks"] = len([task for task in asyncio.all_tasks() if task is not asyncio.current_task()])
    sys.__stdout__.write(json.dumps(told) + "\\n")

asyncio.run(main())
"""


def test_at_first_paint_no_connector_is_loaded_and_dead_backends_are_told_afterwards(tmp_path: Path) -> None:
    with socket.socket() as closed:  # bound and not listening: refused at once, and nobody else can take the port
        closed.bind(("127.0.0.1", 0))
        path = tmp_path / "config.toml"
        path.write_text(CONFIG.format(port=closed.getsockname()[1]))
        ended = subprocess.run(
            [sys.executable, "-c", PROGRAM.format(connectors=CONNECTORS, failing=3), str(path)],
            capture_output=True, text=True, cwd=ROOT, timeout=90, check=False,
        )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout.splitlines()[-1])
    assert told["at_first_paint"] == []
    first = told["screen"]
    assert "night" in first[0] and "CRIT" not in first[0]
    assert sum("connecting" in line for line in first) >= 2, "panes say that they connect, and nothing else"
    assert {"httpx", "aiohttp"} & set(told["after"]), "the connectors were loaded once the hub was opened"
    later = "\n".join(told["later"])
    assert "UNREACHABLE" in later and "refused" in later
    assert told["tasks"] == 0, "nothing is left behind"
