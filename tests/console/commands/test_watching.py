"""A configuration file that changes while the console runs: told on the screen, never applied by halves."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from console.commands.watching import CHANGED, watch
from console.config.load import load
from console.config.reload import Reloader, ReloadOutcome
from console.feeds.clock import SystemClock
from tests.stage import Stage, staged

GOOD = '[sites.apac.prometheus]\nurl = "http://p"\n'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(GOOD)
    return path


def reloader(path: Path) -> Reloader:
    return Reloader(path, {}, load(path, {}))


class Watched:
    """The file, the screen that tells of it, and the wait until it does."""

    def __init__(self, path: Path, stage: Stage) -> None:
        self.path = path
        self.stage = stage

    def write(self, text: str) -> None:
        beside = self.path.with_suffix(".new")
        beside.write_text(text)
        beside.replace(self.path)

    async def head(self, holds: Callable[[str], bool]) -> str:
        """The head line once it is so."""
        deadline = time.monotonic() + 10
        while True:
            await self.stage.settle()
            line = self.stage.lines()[0]
            if holds(line):
                return line
            assert time.monotonic() < deadline, line
            await asyncio.sleep(0.01)


async def test_the_screen_tells_of_a_broken_file_and_of_a_changed_one_until_it_is_as_before(path: Path) -> None:
    async with staged() as stage:
        watching = asyncio.create_task(
            watch(reloader(path), lambda mark: setattr(stage.console, "mark", mark), SystemClock(), every_s=0.02)
        )
        watched = Watched(path, stage)
        try:
            assert "configuration" not in stage.lines()[0]
            watched.write(GOOD + "[sites.apac.promethius]\n")
            line = await watched.head(lambda line: "configuration refused" in line)
            assert "CRIT" in line and "UTC" in line  # a long reason pushes no count out of the line
            watched.write(GOOD.replace("http://p", "http://q"))
            await watched.head(lambda line: CHANGED in line)
            watched.write(GOOD)
            await watched.head(lambda line: "configuration" not in line)
        finally:
            watching.cancel()


@pytest.mark.parametrize("width", [80, 120, 200])
async def test_a_mark_leaves_the_counts_in_the_line_at_every_width(width: int) -> None:
    async with staged(size=(width, 24)) as stage:
        before = stage.lines()[0]
        stage.console.mark = "configuration refused, the last good one kept: " + "x" * 500
        await stage.settle()
        line = stage.lines()[0]
        assert "configuration refu" in line
        assert "UTC" in line
        for badge in ("CRIT", "WARN"):
            assert (badge in line) == (badge in before)
        assert stage.strips()[0].cell_length == width


async def test_the_file_is_never_looked_at_on_the_loop(path: Path) -> None:
    class Noted(Reloader):
        threads: list[int] = []

        def check(self) -> ReloadOutcome:
            self.threads.append(threading.get_ident())
            if len(self.threads) == 2:
                raise OSError("a fault that nobody thought of")
            return super().check()

    marks: list[str] = []
    noted = Noted(path, {}, load(path, {}))
    watching = asyncio.create_task(watch(noted, marks.append, SystemClock(), every_s=0.001))
    path.unlink()
    async with asyncio.timeout(10):
        while not marks or len(noted.threads) < 3:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    watching.cancel()
    assert threading.get_ident() not in noted.threads
    assert marks == [f"configuration refused, the last good one kept: {path}: cannot read it: No such file or directory"]
