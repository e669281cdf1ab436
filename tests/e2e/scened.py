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

RENEW_S = 0.3


async def renewing(app: MidwatchApp, screen: ConsoleScreen, scene: Scene) -> None:
    """What a clock that goes on would do: a pane that got its size too late is drawn in it."""
    while True:
        await asyncio.sleep(RENEW_S)
        if app.is_running and screen.is_mounted:
            screen.renew(scene.clock.now())


async def shown(mode: LinkMode) -> None:
    scene = Scene()
    screen = ConsoleScreen(scene.desk, "demo", is_prod=False, who="mei", place=Place(OVERVIEW, Scope()))
    app = MidwatchApp(screen, able=abilities(os.environ, "utf-8"), link=mode)
    drawing = asyncio.create_task(renewing(app, screen, scene))
    await app.run_async()
    drawing.cancel()
    await scene.hub.close()


if __name__ == "__main__":
    asyncio.run(shown(LinkMode(sys.argv[1])))
