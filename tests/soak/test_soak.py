"""The wall, for months: what stands on it is so, and nothing of it is left behind.

The ordinary ring takes 20,000 readings, the proof a million and the slope of its memory.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from console.app.linked import Linked
from console.assembly import Engine
from console.feeds.desk import Desk
from console.model.severity import Severity
from console.wall.app import WallApp
from console.wall.screen import WallScreen
from tests.lab.proof import FOLDER, figure, record
from tests.soak.running import Soaked, clock_wrong, live_sources, reads, soaked
from tests.soak.world import BACKENDS, Mode, World

FEW = 20_000
MANY = int(os.environ.get("SOAK_READINGS", "1000000"))
MOST_MB = 1.0  # for 100,000 readings
TITLES = {"prometheus": "Capacity", "elasticsearch": "Logs", "kubernetes": "Workloads", "prober": "Streams"}
OUT = Path(__file__).parents[2] / "docs" / "proof" / "soak.json"
WHAT = (
    "the wall (two pages, rotating) on the real engine, on a clock that does not wait; every 45 s of it backends are refused, fall "
    "silent or make our sources raise, channels stand still, gauges fill, pods crash, and the frame on the terminal is compared "
    "with what is so"
)


def wall(desk: Desk, _engine: Engine) -> Linked:
    return WallApp(WallScreen(desk, "soak", views=("streams", "workloads"), every_s=20.0))


def wrong_on(world: World, app: Linked, lines: list[str]) -> list[str]:
    """What the frame says that is not so, or does not say that is."""
    assert isinstance(app, WallApp)
    said = app.wall.said
    if said is None:
        return ["the wall could say nothing"]
    live, all_of_them = live_sources(world)
    is_told = {
        "the time": not clock_wrong(world, lines),
        f"sources {live}/{all_of_them}": reads(lines, f"sources {live}/{all_of_them}"),
    }
    dead = [backend for backend, mode in world.modes.items() if mode is not Mode.UP]
    is_told["no news" if dead else "no banner of dead feeds"] = reads(lines, "no news") == bool(dead)
    banner = said.banners[0].big if said.banners else ""
    for backend in dead:
        if backend in TITLES:
            is_told[f"{TITLES[backend]} in the banner"] = TITLES[backend] in banner
    if world.modes["prober"] is Mode.UP:
        tiles = {tile.key: tile for tile in said.fleet}
        for name in world.frozen:
            is_told[f"{name} is critical"] = tiles[name].severity is Severity.CRIT and said.is_critical
    if world.modes["prometheus"] is Mode.UP:
        for name, used in world.used.items():
            is_told[f"{name} {used:.0%}"] = app.wall.rotation.step(world.clock.now().mono, is_critical=said.is_critical).page != 0 or any(
                name in line and f"{used * 100:.0f} %" in line for line in lines
            )
    if dead or world.frozen or world.crashing or any(used > 0.8 for used in world.used.values()):
        is_told["that not all is well"] = said.headline.severity is not Severity.OK and "fine" not in said.headline.big
    if world.is_long_well:
        is_told["that all is well"] = said.severity is Severity.OK and reads(lines, "all 6 channels fine") and not said.banners
        is_told["no count of bad ones"] = not any(said.counts[each] for each in Severity if each is not Severity.OK)
    return [f"it does not tell: {each}" for each, is_so in is_told.items() if not is_so]


def left_behind(result: Soaked) -> list[object]:
    """What is there at the end that was not at the begin."""
    return [result.tasks, result.descriptors, result.threads, result.left]


@pytest.mark.timeout(240)
def test_after_20000_readings_with_backends_dying_and_returning_the_frame_is_true_and_nothing_is_left():
    result = soaked(FEW, wall, wrong_on)
    assert result.wrong == [], "\n".join([*result.wrong, *result.last])
    assert left_behind(result) == [0, 0, 0, []]
    assert result.readings >= FEW and result.checks >= 8
    assert result.frames >= result.seconds * 0.9, "a frame a second, or its clock stood still"
    assert set(TITLES) < set(BACKENDS)


@pytest.mark.proof
@pytest.mark.timeout(6000)
def test_after_a_million_readings_memory_has_not_grown():
    result = soaked(MANY, wall, wrong_on, seed=11)
    figures = [
        figure("readings", result.readings, "readings of sources", least=MANY),
        figure("time of the wall", result.seconds / 3600, "h"),
        figure("memory slope", result.slope, "MB / 100,000 readings", most=MOST_MB),
        figure("memory at the end", result.memory[-1][1], "MB resident"),
        figure("frames", result.frames, "frames"),
        figure("frames compared", result.checks, "frames"),
        figure("frames that said what is not so", len(result.wrong), "frames", most=0),
        figure("tasks left", result.tasks + len(result.left), "tasks", most=0),
        figure("descriptors left", result.descriptors, "descriptors", most=0),
        figure("threads left", result.threads, "threads", most=0),
        figure("processor time", result.cpu_s, "s"),
    ]
    if os.environ.get(FOLDER):
        OUT.write_text(
            json.dumps(
                {
                    "schema": 1,
                    "at": datetime.now(UTC).isoformat(timespec="seconds"),
                    "what": WHAT,
                    "figures": figures,
                    "memory_mb": result.memory,
                    "wrong": result.wrong[:20],
                },
                indent=1,
            )
            + "\n"
        )
    record("soak", WHAT, *figures)
