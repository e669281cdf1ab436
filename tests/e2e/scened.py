"""The console on a scene that stands still, in the terminal it is started in: `python -m tests.e2e.scened full|slow|off`."""

from __future__ import annotations

import asyncio
import os
import sys

from console.app.abilities import abilities
from console.app.app import MidwatchApp
from console.app.pivots import Place
from console.app.screen import ConsoleScreen
from console.config.link import LinkMode
from console.feeds.desk import OVERVIEW
from console.model.scope import Scope
from tests.scene import Scene


async def shown(mode: LinkMode) -> None:
    scene = Scene()
    screen = ConsoleScreen(scene.desk, "demo", is_prod=False, who="mei", place=Place(OVERVIEW, Scope()))
    app = MidwatchApp(screen, able=abilities(os.environ, "utf-8"), link=mode)
    await app.run_async()
    await scene.hub.close()


if __name__ == "__main__":
    asyncio.run(shown(LinkMode(sys.argv[1])))
