"""The first frame: what it shows, what it does without, and what becomes of keys typed into it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest
from textual.worker import WorkerFailed

import console
from console.app.app import MidwatchApp
from console.app.curtain import Curtain
from console.app.pivots import Place
from console.app.screen import ConsoleScreen
from console.feeds.desk import OVERVIEW, TITLES
from console.model.scope import Scope
from tests.scene import Scene

ROOT = Path(console.__file__).parents[1]
NEEDLESS = ("console.judge", "console.sources", "console.rows", "console.feeds", "console.assembly", "views", "httpx", "aiohttp")


def text(app: MidwatchApp) -> list[str]:
    return [strip.text for strip in app.screen._compositor.render_strips()]


class Opening:
    """The way to the screen behind the curtain, open when the test says so."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self.may = asyncio.Event()
        self.wrong: Exception | None = None

    async def __call__(self) -> ConsoleScreen:
        await self.may.wait()
        if self.wrong is not None:
            raise self.wrong
        return ConsoleScreen(self._scene.desk, "demo", is_prod=False, who="mei", place=Place(OVERVIEW, Scope()))


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (240, 67), (20, 5), (1, 1)])
async def test_the_first_frame_names_the_site_and_every_pane_and_claims_to_know_nothing(size: tuple[int, int]) -> None:
    app = MidwatchApp(Curtain("apac", "region=lhr", is_prod=True), opening=Opening(Scene()))
    async with app.run_test(size=size):
        shown = text(app)
        assert len(shown) == size[1] and all(len(line) <= size[0] for line in shown)
        if size[0] >= 80:
            assert "apac" in shown[0] and "region=lhr" in shown[0]
            body = "\n".join(shown[1:])
            for key, title in enumerate(list(TITLES.values())[:4], 1):
                assert f"?  {key} {title} " in body
            assert "opening" in body and "q quit" in shown[-1]
            assert "live" not in body and "OK" not in body


async def test_keys_typed_before_the_screen_is_there_are_not_lost() -> None:
    scene = Scene()
    opening, started = Opening(scene), asyncio.Event()
    app = MidwatchApp(Curtain("demo", "", is_prod=False), opening=opening, started=started.set)
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("3", "minus", "5")
        assert app.console_screen is None and not started.is_set()
        opening.may.set()
        async with asyncio.timeout(20):
            await started.wait()
            while app.console_screen is None or app.console_screen.place.view != "incidents":
                await pilot.pause(0.01)
        assert app.console_screen._back[-1].view == OVERVIEW
    await scene.hub.close()


async def test_q_leaves_before_the_screen_is_there() -> None:
    app = MidwatchApp(Curtain("demo", "", is_prod=False), opening=Opening(Scene()))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("q")
        async with asyncio.timeout(20):
            while app.is_running:
                await pilot.pause(0.01)
    assert app.console_screen is None


async def test_a_screen_that_cannot_be_made_ends_the_console_and_says_why() -> None:
    opening = Opening(Scene())
    opening.wrong = RuntimeError("no such thing")
    app = MidwatchApp(Curtain("demo", "", is_prod=False), opening=opening)
    with pytest.raises(WorkerFailed):
        async with app.run_test(size=(80, 24)) as pilot:
            opening.may.set()
            async with asyncio.timeout(20):
                while app.is_running:
                    await pilot.pause(0.01)
    assert app.return_code == 70 and str(app.fatal) == "no such thing"


def test_nothing_is_imported_for_the_first_frame_that_it_does_not_need() -> None:
    program = (
        "import json, sys, console.cli, console.commands.console, console.app.app, console.app.curtain, console.app.abilities\n"
        "print(json.dumps(sorted(sys.modules)))"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, timeout=60, check=True)
    loaded = json.loads(ended.stdout)
    assert "console.app.curtain" in loaded
    assert [name for name in loaded if any(name == each or name.startswith(f"{each}.") for each in NEEDLESS)] == []
