"""Plays all views of a poisoned scene in the terminal it is started in: `python -m tests.hostile.player`."""

from __future__ import annotations

import asyncio

from textual import events

from console.app.app import MidwatchApp
from console.app.pivots import Place
from console.app.screen import ConsoleScreen
from console.feeds.desk import OVERVIEW
from console.model.scope import Scope
from tests.hostile.corpus import CORPUS
from tests.hostile.staging import poisoned

KEYS = (*"1234590", "1", "d", "escape", "v", "escape", "2")


async def play() -> None:
    """Every view once, a page or two, and out."""
    scene = poisoned(attacks=CORPUS)
    screen = ConsoleScreen(scene.desk, "demo", is_prod=False, who="mei", place=Place(OVERVIEW, Scope()))
    app = MidwatchApp(screen)

    async def keys() -> None:
        while not app.is_running or not app.screen.is_current:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        for key in KEYS:
            app.post_message(events.Key(key, key if len(key) == 1 else None))
            await asyncio.sleep(0.05)  # a frame: what is not drawn proves nothing
            screen.renew(scene.clock.now())
        await asyncio.sleep(0.1)
        app.exit()

    playing = asyncio.create_task(keys())
    await app.run_async(size=(120, 36))
    await playing
    await scene.hub.close()


if __name__ == "__main__":
    asyncio.run(play())
