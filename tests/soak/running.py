"""An app over the world, for as many readings as are wished: what is true at the end, and what was left behind."""

from __future__ import annotations

import asyncio
import gc
import logging
import math
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import linear_regression
from typing import Any
from unittest.mock import patch

import msgspec
from rich.color import ColorSystem
from textual.drivers.headless_driver import HeadlessDriver

from console.app.abilities import Abilities, Depth
from console.app.linked import Linked
from console.app.looks import looks_of
from console.assembly import Engine
from console.feeds.clock import SystemClock
from console.feeds.desk import Desk
from console.feeds.log import RING_LINES
from tests.console.app.wired import Far
from tests.console.link.terminal import Terminal
from tests.soak.world import BACKENDS, Mode, World, engine
from tests.streams.hasty import HastyLoop
from widgets.glyphs import BROAD, NARROW, written

BEGAN = datetime(2026, 11, 22, 2, 0, tzinfo=UTC).timestamp()
SPELL_S = 45.0  # for which a state of the world stands
HEALED_S = 150.0  # until nothing tells of a fault any more
MANY = 100_000  # readings: from here on memory is looked at
TAIL = 8_000  # readings of the last spells, in which everything is healed, breaks once more and is healed
WARM = 0.3  # of the readings, after which memory is looked at: caches and rings have filled
SIZE = (120, 36)

Make = Callable[[Desk, Engine], Linked]
Check = Callable[[World, Linked, list[str]], list[str]]


class Soaked(msgspec.Struct):
    """What came of it. Of tasks, descriptors and threads: how many more there were at the end than at the begin."""

    readings: int
    seconds: float  # of the world
    frames: int
    checks: int
    wrong: list[str]  # what a frame said that was not so
    tasks: int
    descriptors: int
    threads: int
    cpu_s: float
    memory: list[tuple[int, float]]  # readings, MB resident
    left: list[str]  # of tasks, after everything was closed
    last: list[str]  # the last frame

    @property
    def slope(self) -> float:
        """MB for 100,000 readings, by least squares over what came after the begin."""
        points = [(at, size) for at, size in self.memory if at >= WARM * self.readings]
        return linear_regression([at for at, _ in points], [size for _, size in points]).slope * 100_000


class Taken(HeadlessDriver):
    """A driver with a terminal at the end of its link, which takes every frame at once."""

    terminal: Terminal

    @property
    def is_headless(self) -> bool:
        return False

    def write(self, data: str) -> None:
        """Modes of the terminal, which this one has not."""

    def send(self, text: str, landed: Callable[[], None]) -> None:
        self.terminal.feed(text)
        self._loop.call_soon(landed)


def soaked(
    readings: int, make: Make, check: Check, *, seed: int = 7, size: tuple[int, int] = SIZE, within_s: float = math.inf
) -> Soaked:
    """`check` compares the world with the lines of a frame, and says what is wrong with them. `within_s`: of real time; what has
    come to be by then is what there is.
    """
    loop: list[HastyLoop] = []

    def hasty() -> HastyLoop:
        loop.append(HastyLoop())
        return loop[0]

    with asyncio.Runner(loop_factory=hasty) as runner, tempfile.TemporaryDirectory() as place:
        logging.disable()  # a source that raises for hours fills a file, and here pytest's memory
        try:
            with _time_of(runner.get_loop().time):
                return runner.run(_soaked(readings, make, check, seed, size, Path(place), loop[0], within_s))
        finally:
            logging.disable(logging.NOTSET)


@contextmanager
def _time_of(now: Callable[[], float]) -> Iterator[None]:
    """Textual's timers, and the link's, on the loop's clock."""
    with patch("textual._time.get_time", now), patch("textual.message_pump.time", now), patch("console.app.linked.monotonic", now):
        yield


async def _soaked(
    readings: int,
    make: Make,
    check: Check,
    seed: int,
    size: tuple[int, int],
    place: Path,
    loop: HastyLoop,
    within_s: float,
) -> Soaked:
    deadline = time.monotonic() + within_s
    clock = SystemClock(wall=lambda: BEGAN + loop.time(), mono=loop.time)
    world = World(seed, clock)
    site = engine(world, clock, {"XDG_STATE_HOME": str(place)})
    assert site.desk.ring is not None
    for _ in range(RING_LINES // 2 if readings >= MANY else 0):  # full from the begin, or its filling would be the slope
        for line in world.value("elasticsearch.tail", clock.now()).lines:
            site.desk.ring.append(line)  # type: ignore[union-attr]  # a whole desk's
    try:
        app = make(site.desk, site)
        began = time.process_time()
        async with app.run_test(size=size):
            terminal = _wired(app, size)
            await asyncio.sleep(2 * SPELL_S)
            start_s, before = loop.time(), _held()
            result = Soaked(0, 0.0, 0, 0, [], 0, 0, 0, 0.0, [], [], [])
            next_look = 0
            while world.readings < readings - TAIL // 2 and time.monotonic() < deadline:
                world.happen()
                await asyncio.sleep(SPELL_S)
                await _checked(result, check, world, app, terminal)
                if world.readings >= next_look:
                    next_look += max(1, readings // 100)
                    gc.collect()
                    result.memory.append((world.readings, _resident_mb()))
            world.heal()
            await asyncio.sleep(HEALED_S)
            world.is_long_well = True
            await _checked(result, check, world, app, terminal)
            world.is_long_well = False
            world.frozen["uk-sport-1"] = clock.now().mono
            world.turn("kubernetes", Mode.DOWN)
            world.used["egress lhr"] = 0.97
            await asyncio.sleep(SPELL_S)
            await _checked(result, check, world, app, terminal)
            result.last = lines_of(terminal)
            world.heal()
            await asyncio.sleep(SPELL_S)
            after = _held()
            result.readings, result.seconds, result.frames = world.readings, loop.time() - start_s, app.flight.frames
            result.tasks, result.descriptors, result.threads = (now - then for now, then in zip(after, before, strict=True))
    finally:
        await site.close()
    result.cpu_s = time.process_time() - began
    await asyncio.sleep(1)
    result.left = [task.get_name() for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    return result


def _wired(app: Linked, size: tuple[int, int]) -> Terminal:
    driver: Any = app._driver
    driver.__class__ = Taken
    driver.terminal = Terminal(*size)
    app.able = Abilities(depth=Depth.TRUE)
    app._looks = looks_of(Depth.TRUE)
    app.console._color_system = ColorSystem.TRUECOLOR
    app.refresh(layout=True)
    terminal: Terminal = driver.terminal
    return terminal


def lines_of(terminal: Terminal) -> list[str]:
    """What stands on it."""
    return ["".join(cell.shown for cell in row) for row in terminal.seen()]


async def _checked(result: Soaked, check: Check, world: World, app: Linked, terminal: Terminal) -> None:
    result.checks += 1
    app.screen._on_timer_update()  # what was said a moment ago, onto the terminal
    for _ in range(8):
        await asyncio.sleep(0)
    now = world.clock.now()
    wrong = check(world, app, lines_of(terminal))
    whole = _Whole(app).whole()
    if whole != terminal.seen():
        y = next(y for y, (one, other) in enumerate(zip(whole, terminal.seen(), strict=True)) if one != other)
        told, shown = ("".join(cell.shown for cell in rows[y]) for rows in (whole, terminal.seen()))
        wrong = [*wrong, f"line {y} of the terminal is {shown!r}, after a repaint it would be {told!r}"]
    result.wrong += [f"{now.utc:%H:%M:%S} ({world.readings} readings, {world}): {each}" for each in wrong]


class _Whole(Far):
    """What would stand there after a repaint, beside what does."""

    def __init__(self, app: Linked) -> None:
        driver: Any = app._driver
        self.app, self.driver = app, driver  # type: ignore[assignment]  # no stage


def reads(lines: list[str], text: str) -> bool:
    """Whether a text stands on the frame, in one cell a letter or in many."""
    if any(text in line for line in lines):
        return True
    for face in (NARROW, BROAD):
        if face is NARROW and not all(char == " " or char in face.drawings for char in text):
            continue
        for scale in (1, 2, 3):
            letters = written(face, scale, text)
            for y in range(len(lines) - len(letters) + 1):
                at = lines[y].find(letters[0])
                while at >= 0:
                    if all(lines[y + down][at : at + len(each)] == each for down, each in enumerate(letters)):
                        return True
                    at = lines[y].find(letters[0], at + 1)
    return False


def clock_wrong(world: World, lines: list[str]) -> list[str]:
    """A frame that is not of these seconds is a frozen one."""
    now = world.clock.now().utc
    told = [f"{now - timedelta(seconds=back):%H:%M:%S}" for back in (0, 1, 2)]
    return [] if any(reads(lines, each) for each in told) else [f"its clock is not {told[0]}"]


def live_sources(world: World) -> tuple[int, int]:
    """Of how many sources, how many must be live by now."""
    others = 2  # the channel list, our own audit
    live = others + sum(len(feeds) for backend, feeds in BACKENDS.items() if world.modes[backend] is Mode.UP)
    return live, others + sum(map(len, BACKENDS.values()))


def _held() -> tuple[int, int, int]:
    gc.collect()
    return len(asyncio.all_tasks()), len(os.listdir("/proc/self/fd")), threading.active_count()


def _resident_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
