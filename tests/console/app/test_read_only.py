"""A session without a licence: whatever is pressed, typed or pasted, nothing but questions goes out."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import Any

import pytest

from console.app.app import MidwatchApp
from console.app.keymap import ENTRIES
from console.app.pivots import Place
from console.app.screen import ConsoleScreen
from console.assembly import Engine
from console.config.load import load
from console.feeds.clock import SystemClock
from console.feeds.desk import OVERVIEW
from console.model.scope import Scope
from tests.console.embedded import embedded

COMMANDS = (
    "act deployment.restart kube:demo-1/live/deployment/packager-emea",
    "act pod.evict kube:demo-1/live/pod/x",
    "act node.drain node:demo-1/apac-node-03",
    "scope region=emea",
    "view actions",
    "actions",
    "a",
    "undo",
    "silence",
)
LEAVING = {"quit", "suspend", "quit.hint"}
KEYS = (
    *(entry.key for entry in ENTRIES if entry.name not in LEAVING),
    *("a", "a", "a", "u", "r", "x", "s", "y", "enter", "enter", "enter", "tab", "escape", "up", "down", "left", "space"),
    *("ctrl+r", "ctrl+d", "ctrl+u", "home", "end", "1", "2", "3", "6", "f1", "delete", "backspace"),
)


async def mashed(config: Path, presses: int, seed: int) -> None:
    """So many keys and commands into a read-only console of this platform."""
    chance = random.Random(seed)
    engine = Engine.open(load(config, {}), None, SystemClock(), {"XDG_STATE_HOME": str(config.parent / "state")})
    screen = ConsoleScreen(engine.desk, "demo", is_prod=False, who="dev@mei", place=Place(OVERVIEW, Scope()))
    app = MidwatchApp(screen)
    async with app.run_test(size=(120, 36)) as pilot:
        for number in range(presses):
            if not app.is_running:
                break
            if number % 20 == 19:
                await pilot.press("escape", "escape", "colon", *chance.choice(COMMANDS).replace(" ", "\0").split("\0")[0])
                for word in chance.choice(COMMANDS):
                    app.simulate_key("space" if word == " " else word)
                await pilot.press("enter")
            else:
                app.simulate_key(chance.choice(KEYS))
                await pilot.pause(0.002)
        assert app.is_running, "a key that is none of leaving ended the console"
    await engine.close()
    assert app.fatal is None
    assert not app.faults, app.faults


def asked(wire: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in wire.read_bytes().splitlines() if b'"method"' in line]


def check(wire: Path) -> None:
    requests = asked(wire)
    reads = [each for each in requests if each["server"] in ("kubernetes", "prometheus", "alertmanager", "elasticsearch")]
    assert len({each["server"] for each in reads}) == 4, "nothing was asked: the test saw no console"
    assert not [each for each in requests if each["write"]]


async def test_no_key_and_no_command_of_a_read_only_session_writes(tmp_path: Path) -> None:
    wire = tmp_path / "wire.jsonl"
    with embedded(tmp_path, wire_log=wire, scenario="bad-deploy", start_after_s=0.1) as config:
        await mashed(config, 60, seed=1)
    check(wire)


@pytest.mark.proof
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(int(os.environ.get("LAB_SEEDS", "1"))))
async def test_two_thousand_keys_and_commands_write_nothing(tmp_path: Path, seed: int) -> None:
    wire = tmp_path / "wire.jsonl"
    with embedded(tmp_path, wire_log=wire, scenario="bad-deploy", start_after_s=0.1) as config:
        await mashed(config, 2000, seed=seed)
    check(wire)
